import * as tf from '@tensorflow/tfjs';
import { isTensorFlowBackend, type TensorFlowBackend } from '../backend/tensorflow-binding.js';

/** Bytes and shape do not belong together. */
export class FramesError extends Error {
  override readonly name = 'FramesError';
}

/**
 * A float32 tensor of `shape` from unsigned bytes (event counts, pixels), value by value.
 *
 * On the `tensorflow` backend the bytes cross into TensorFlow as bytes and are widened there, so JavaScript never holds
 * the four times larger float array; other backends widen here.
 *
 * @throws FramesError when the number of bytes is not the product of `shape`.
 * @example frames(new Uint8Array([0, 3]), [1, 2]); // float32 [[0, 3]]
 */
export function frames(bytes: Uint8Array, shape: readonly number[]): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== bytes.length) {
    throw new FramesError(
      `frames: shape [${shape.join(', ')}] holds ${size} values, but ${bytes.length} bytes were given.`,
    );
  }
  const backend: unknown = tf.backend();
  if (isTensorFlowBackend(backend) && size > 0) return widenInTensorFlow(backend, bytes, shape);
  return tf.tensor(Float32Array.from(bytes), [...shape], 'float32');
}

function widenInTensorFlow(
  backend: TensorFlowBackend,
  bytes: Uint8Array,
  shape: readonly number[],
): tf.Tensor {
  const { binding } = backend;
  const id = binding.createTensor([...shape], binding.TF_UINT8, bytes);
  try {
    const [widened] = binding.executeOp(
      'Cast',
      [
        { name: 'SrcT', type: binding.TF_ATTR_TYPE, value: binding.TF_UINT8 },
        { name: 'DstT', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: 'Truncate', type: binding.TF_ATTR_BOOL, value: false },
      ],
      [id],
      1,
    );
    if (widened === undefined) throw new FramesError('frames: TensorFlow returned nothing for Cast.');
    return backend.createOutputTensor(widened);
  } finally {
    binding.deleteTensor(id);
  }
}
