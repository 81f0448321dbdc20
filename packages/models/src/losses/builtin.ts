/** The losses that come along: one file and one line each. */
import './cross-entropy.js';
import './focal.js';
import './label-smooth.js';
import './mse.js';
import './tet.js';
