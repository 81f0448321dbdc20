import { tf } from '@bidl/engine';
import { LabelError } from '../errors.js';
import type { Labels } from './loss.js';

/** Class indices of a batch, checked. @throws LabelError when one isn't a whole number from 0 to classes − 1. */
export function classIndices(labels: Labels, batch: number, classes: number): Int32Array {
  const given: ArrayLike<number> = labels instanceof tf.Tensor ? labels.dataSync() : labels;
  if (given.length !== batch) {
    throw new LabelError(`${given.length} labels for ${batch} samples: give one class index for each`);
  }
  return Int32Array.from(given, (label, sample) => {
    if (Number.isInteger(label) && label >= 0 && label < classes) return label;
    throw new LabelError(
      `label ${label} of sample ${sample} is out of range: the network has ${classes} classes, 0 to ` +
        `${classes - 1}; set nclass in model.backbone to the data set's number of classes`,
    );
  });
}

/** Whether the labels are class indices, `[B]` or `[B, 1]`, rather than one-hot or soft ones `[B, K]`. */
export const areIndices = (labels: Labels): boolean =>
  !(labels instanceof tf.Tensor) || labels.rank === 1 || (labels.rank === 2 && labels.shape[1] === 1);

/** Labels as `[B, K]`: class indices become one-hot rows. @throws LabelError */
export function rows(logits: tf.Tensor, labels: Labels): tf.Tensor2D {
  const [batch = 0, classes = 0] = logits.shape;
  if (areIndices(labels)) {
    const indices = tf.tensor1d(classIndices(labels, batch, classes), 'int32');
    return tf.oneHot(indices, classes).toFloat() as tf.Tensor2D;
  }
  const given = labels as tf.Tensor;
  if (given.shape.join() !== logits.shape.join()) {
    throw new LabelError(
      `labels have shape [${given.shape.join(', ')}], logits [${logits.shape.join(', ')}]: give class indices [B] or the logits' shape`,
    );
  }
  return given.toFloat() as tf.Tensor2D;
}
