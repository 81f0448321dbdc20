import * as tf from '@tensorflow/tfjs';
import { replaceKernel } from '../backend/replace-kernel.js';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

type Pads = 'valid' | 'same' | number | readonly (readonly [number, number])[];

/** Whether a pooling is 2x2 with stride 2 and no padding. */
function isHalving(attrs: tf.NamedAttrMap, shape: readonly number[]): boolean {
  const two = (size: unknown) => size === 2 || (Array.isArray(size) && size.every((n) => n === 2));
  const pad = attrs['pad'] as Pads;
  const even = shape[1] % 2 === 0 && shape[2] % 2 === 0;
  return (
    two(attrs['filterSize']) &&
    two(attrs['strides']) &&
    (pad === 'valid' || pad === 0 || (pad === 'same' && even))
  );
}

/**
 * Puts the op library's gradient of 2x2 max-pooling in the place of TensorFlow's, which takes several times as long;
 * other poolings go to TensorFlow's own kernel as before.
 */
export function replaceMaxPoolGrad(): void {
  replaceKernel('MaxPoolGrad', 'tensorflow', (own) => (args) => {
    const { dy, input } = args.inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
    if (!isHalving(args.attrs ?? {}, input.shape)) return own(args);
    const backend = args.backend as TensorFlowBackend;
    return backend.executeSingleOutput('BidlMaxPool2x2Grad', [], [input, dy]);
  });
}
