/** The policies that come along. */
import './cyclic.js';
import './mmcv.js';
import './one-cycle.js';
import './plateau.js';
import './torch.js';
