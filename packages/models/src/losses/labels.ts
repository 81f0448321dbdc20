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

/** A row per sample: `on` at its class, `off` at the others. Made on the host: a few bytes, and one operation less. */
export function indexRows(indices: Int32Array, classes: number, on = 1, off = 0): tf.Tensor2D {
  const rows = new Float32Array(indices.length * classes).fill(off);
  indices.forEach((index, sample) => (rows[sample * classes + index] = on));
  return tf.tensor2d(rows, [indices.length, classes], 'float32');
}

/** Labels as `[B, K]`: class indices become one-hot rows. @throws LabelError */
export function rows(logits: tf.Tensor, labels: Labels): tf.Tensor2D {
  const [batch = 0, classes = 0] = logits.shape;
  if (areIndices(labels)) return indexRows(classIndices(labels, batch, classes), classes);
  const given = labels as tf.Tensor;
  if (given.shape.join() !== logits.shape.join()) {
    throw new LabelError(
      `labels have shape [${given.shape.join(', ')}], logits [${logits.shape.join(', ')}]: give class indices [B] or the logits' shape`,
    );
  }
  return given.toFloat() as tf.Tensor2D;
}

/** Targets of the logits' own shape for losses that judge each logit alone; a single logit per sample takes 0 or 1. */
export function binaryTargets(logits: tf.Tensor, labels: Labels): tf.Tensor {
  const given = labels instanceof tf.Tensor ? labels.shape.join() : undefined;
  if (given === logits.shape.join()) return (labels as tf.Tensor).toFloat();
  const single = logits.rank === 1 || logits.shape[1] === 1;
  if (!single) return rows(logits, labels);
  const [batch = 0] = logits.shape;
  if (labels instanceof tf.Tensor && labels.size === batch) return labels.toFloat().reshape(logits.shape);
  if (labels instanceof tf.Tensor) {
    throw new LabelError(`labels have shape [${given}], logits [${logits.shape.join(', ')}]`);
  }
  return tf.tensor1d(Float32Array.from(classIndices(labels, batch, 2))).reshape(logits.shape);
}
