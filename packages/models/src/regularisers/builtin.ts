/** The regularisers that come along: one file and one line each. */
import './firing-rate.js';
import './membrane-bounds.js';
