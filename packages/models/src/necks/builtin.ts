/** The necks that come along: one file and one line each. */
import './global-average-pooling.js';
