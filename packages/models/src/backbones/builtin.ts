// One line for each file of networks.
import './attention-vgg.js';
import './clif3fc3.js';
import './clif3flif2.js';
import './clif5fc2.js';
import './clif7fc1.js';
import './fasttext.js';
import './resnet-lif.js';
import './rlif2fc1.js';
import './sew-resnet.js';
import './vgg7.js';
