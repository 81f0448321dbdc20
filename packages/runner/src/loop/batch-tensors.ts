import { frames, tf } from '@bidl/engine';
import type { NdArray } from '@bidl/formats';
import type { Classifier } from '../classifier.js';
import type { BatchResult } from './score.js';

/** A batch's samples as float32 [B, T, ...]; bytes travel as bytes. The caller disposes. */
export function inputTensor(img: NdArray): tf.Tensor {
  const { data } = img;
  const shape = [...img.shape];
  // by tag: the array may come from another realm
  switch (Object.prototype.toString.call(data)) {
    case '[object Uint8Array]':
      return frames(data as Uint8Array, shape);
    case '[object Float32Array]':
      return tf.tensor(data as Float32Array, shape, 'float32');
    default:
      return tf.tensor(Float32Array.from(data as ArrayLike<number>), shape, 'float32');
  }
}

/** Loss and right answers of a batch, fetched from the device. Both tensors are disposed. */
export async function fetchResult(
  classifier: Classifier,
  tensors: { readonly loss: tf.Tensor; readonly logits: tf.Tensor },
  labels: Int32Array,
): Promise<BatchResult> {
  const { loss, logits } = tensors;
  try {
    const [value = NaN] = await loss.data<'float32'>();
    return { loss: value, ...classifier.accuracy(logits, labels), samples: labels.length };
  } finally {
    loss.dispose();
    logits.dispose();
  }
}
