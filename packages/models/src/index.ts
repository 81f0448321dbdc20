export { LabelError, ModelError } from './errors.js';
export { losses, type Labels, type Loss, type LossOptions, type Reduction } from './losses/loss.js';
export { CrossEntropyLoss, type CrossEntropyArgs } from './losses/cross-entropy.js';
export { LabelSmoothLoss, type LabelSmoothArgs } from './losses/label-smooth.js';
export { binaryCorrect, topKCorrect } from './metrics/accuracy.js';
export { ClsHead, heads, type Head } from './heads/cls-head.js';
export { backbones, type BackboneContext } from './backbones/backbone.js';

export { classifiers, ImageClassifier } from './classifiers/image-classifier.js';
export { buildClassifier } from './build-classifier.js';
