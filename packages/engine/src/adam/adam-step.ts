import * as tf from '@tensorflow/tfjs';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

const ADAM = 'BidlAdam';

/** The numbers of one step of Adam; bias corrections are folded into `rate` and `epsilon`. */
export interface AdamNumbers {
  readonly beta1: number;
  readonly beta2: number;
  readonly rate: number;
  readonly epsilon: number;
  /** L2 penalty added to the gradient. */
  readonly decay: number;
}

export interface AdamTensors {
  readonly param: tf.Tensor;
  readonly m: tf.Tensor;
  readonly v: tf.Tensor;
}

/** Makes the op library's Adam a kernel of the `tensorflow` backend. */
export function registerAdam(): void {
  if (tf.getKernel(ADAM, 'tensorflow') !== undefined) return;
  tf.registerKernel({
    kernelName: ADAM,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, backend }) => {
      const { param, grad, m, v, numbers } = inputs as Record<string, tf.TensorInfo>;
      return (backend as TensorFlowBackend).executeMultipleOutputs(ADAM, [], [param, grad, m, v, numbers], 3);
    },
  });
}

/**
 * One step of Adam in one pass over memory, where the backend has a kernel for it; `undefined` elsewhere.
 *
 *     g = grad + decay·param,  m = β₁·m + (1 − β₁)·g,  v = β₂·v + (1 − β₂)·g²,  param = param − rate·m / (√v + ε)
 *
 * @param grad like param, m and v in shape
 */
export function fusedAdamStep(
  { param, m, v }: AdamTensors,
  grad: tf.Tensor,
  { beta1, beta2, rate, epsilon, decay }: AdamNumbers,
): AdamTensors | undefined {
  if (tf.getKernel(ADAM, tf.getBackend()) === undefined) return undefined;
  const numbers = tf.tensor1d([beta1, 1 - beta1, beta2, 1 - beta2, rate, epsilon, decay]);
  const results = tf.engine().runKernel(ADAM, { param, grad, m, v, numbers }) as unknown as tf.Tensor[];
  numbers.dispose();
  return { param: results[0], m: results[1], v: results[2] };
}
