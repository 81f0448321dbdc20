import { frames, tf } from '@bidl/engine';
import type { NdArray } from '@bidl/formats';

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

/** Labels as int32 [B]. The caller disposes. */
export const labelTensor = (labels: Int32Array): tf.Tensor1D => tf.tensor1d(labels, 'int32');

/** Loss and logits fetched together, with one wait for the device. Both tensors are disposed. */
export async function fetchOutputs(loss: tf.Tensor, logits: tf.Tensor) {
  const packed = tf.tidy(() => tf.concat1d([tf.reshape(loss, [1]), tf.reshape(logits, [logits.size])]));
  loss.dispose();
  logits.dispose();
  try {
    const values = await packed.data<'float32'>();
    return { loss: values[0] ?? NaN, logits: values.subarray(1) };
  } finally {
    packed.dispose();
  }
}
