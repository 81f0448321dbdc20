/** The optimizers that come along: one file and one line each. */
import './adadelta.js';
import './adagrad.js';
import './adam.js';
import './adamax.js';
import './asgd.js';
import './lbfgs.js';
import './nadam.js';
import './radam.js';
import './rmsprop.js';
import './rprop.js';
import './sgd.js';
