export { LabelError, ModelError } from './errors.js';
export { losses, type Labels, type Loss, type LossOptions, type Reduction } from './losses/loss.js';
export { CrossEntropyLoss, type CrossEntropyArgs } from './losses/cross-entropy.js';
export { FocalLoss, type FocalArgs } from './losses/focal.js';
export { LabelSmoothLoss, type LabelSmoothArgs } from './losses/label-smooth.js';
export { MseLoss, type MseArgs } from './losses/mse.js';
export { TetLoss, type TetArgs } from './losses/tet.js';
export { regularisers, type Regulariser, type RegulariserRun } from './regularisers/regulariser.js';
export { FiringRate, type FiringRateArgs } from './regularisers/firing-rate.js';
export { MembraneBounds, type MembraneBoundsArgs } from './regularisers/membrane-bounds.js';
export { binaryCorrect, topKCorrect } from './metrics/accuracy.js';
export { ClsHead, heads, type Head } from './heads/cls-head.js';
export { necks, type NeckContext } from './necks/neck.js';
export { backbones, type BackboneContext } from './backbones/backbone.js';
export {
  classifiers,
  ImageClassifier,
  type RunOptions,
  type TrainingPass,
  type TrainOptions,
} from './classifiers/image-classifier.js';
export { buildClassifier } from './build-classifier.js';
export { MEMORY, type Memory } from '@bidl/neurons';
