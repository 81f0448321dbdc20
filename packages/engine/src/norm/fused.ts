import * as tf from '@tensorflow/tfjs';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';
import type { Norm, Normed, NormOptions } from './types.js';

const NORM = 'BidlNorm';
const NORM_GRAD = 'BidlNormGrad';

interface NormAttributes extends tf.NamedAttrMap {
  readonly epsilon: number;
  readonly momentum: number;
  /** Whether the batch's own statistics normalise. */
  readonly batch: boolean;
  /** Whether every step has its own. */
  readonly apart: boolean;
}

/** Whether BatchNorm is one kernel on the backend in use. */
export const hasNormKernel = (): boolean => tf.getKernel(NORM, tf.getBackend()) !== undefined;

/** Makes the op library's BatchNorm a kernel of the `tensorflow` backend, with its gradient. */
export function registerNorm(): void {
  if (tf.getKernel(NORM, 'tensorflow') !== undefined) return;
  register(NORM, 4, ({ bias }) => [['N', bias ? 1 : 0]]);
  register(NORM_GRAD, 4, () => []);
  tf.registerGradient({
    kernelName: NORM,
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true],
    gradFunc: (dys, [x, gamma, statistics], attributes) => {
      const [dy] = dys as tf.Tensor[];
      const [dx, dgamma, dbeta, dbias] = run(NORM_GRAD, { x, dy, gamma, statistics }, attributes);
      return { x: () => dx, gamma: () => dgamma, beta: () => dbeta, bias: () => dbias };
    },
  });
}

function register(
  kernelName: string,
  outputs: number,
  sizes: (inputs: Readonly<Record<string, unknown>>) => readonly (readonly [name: string, size: number])[],
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const tensorflow = backend as TensorFlowBackend;
      const { TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_ATTR_INT } = tensorflow.binding;
      const { epsilon, momentum, batch, apart } = attrs as NormAttributes;
      const attributes = [
        ...sizes(inputs).map(([name, value]) => ({ name, type: TF_ATTR_INT, value })),
        { name: 'epsilon', type: TF_ATTR_FLOAT, value: epsilon },
        { name: 'momentum', type: TF_ATTR_FLOAT, value: momentum },
        { name: 'batch', type: TF_ATTR_BOOL, value: batch },
        { name: 'apart', type: TF_ATTR_BOOL, value: apart },
      ];
      const tensors = Object.values(inputs) as tf.TensorInfo[];
      return tensorflow.executeMultipleOutputs(kernelName, attributes, tensors, outputs);
    },
  });
}

/** Runs one of the two; inputs in the order of `native/tf_ops/norm_op.cc`. */
const run = (kernel: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap): tf.Tensor[] =>
  tf.engine().runKernel(kernel, inputs, attributes) as unknown as tf.Tensor[];

/** BatchNorm as one kernel. */
export function normFused(x: tf.Tensor, norm: Norm, { training, statistics, bias }: NormOptions): Normed {
  const { gamma, beta, mean, variance, epsilon, momentum } = norm;
  const attributes: NormAttributes = {
    epsilon,
    momentum,
    batch: training,
    apart: training && statistics === 'step',
  };
  const [out, saved, nextMean, nextVariance] = run(
    NORM,
    { x, gamma, beta, mean, variance, ...(bias && { bias }) },
    attributes,
  );
  saved.dispose(); // the tape has its own
  if (training) return { out, running: { mean: nextMean, variance: nextVariance } };
  tf.dispose([nextMean, nextVariance]);
  return { out };
}
