import * as tf from '@tensorflow/tfjs';
import type { OpAttribute, TensorFlowBackend } from '../backend/tensorflow-binding.js';
import { convOpAttributes, NO_CONV, type ConvAttributes } from '../conv/conv2d.js';

/** Names of the tfjs kernels that the op library brings to the `tensorflow` backend. */
export const SCAN = 'BidlScan';
export const SCAN_GRAD = 'BidlScanGrad';

/** Which statistics BatchNorm in the recurrence takes, as `native/scan/scan.h` counts them. */
export const NORM = { none: 0, running: 1, batch: 2 } as const;

/** What does not change from call to call. */
export interface ScanAttributes {
  /** Name of the emitted neuron; it must be loaded. */
  readonly neuron: string;
  /** The numbers of its definition. */
  readonly constants: readonly number[];
  /** Each state before the first step, where no tensor says so. */
  readonly initial: readonly number[];
  readonly norm: (typeof NORM)[keyof typeof NORM];
  readonly epsilon: number;
  readonly momentum: number;
  /** Scale of the training noise; 0: none. */
  readonly noise: number;
  /** Whether the neuron's parameters get gradients. */
  readonly learn: boolean;
  /** Whether a backward pass may follow. */
  readonly record: boolean;
  /** Whether the output is pooled, 2x2. */
  readonly pool: boolean;
  /** The convolution between x and the neurons, where there is one. */
  readonly conv?: ConvAttributes;
}

/** Runs one of the two ops. Inputs and outputs in the order of `native/tf_ops/scan_op.cc`; left-out ones are empty. */
export function runScan(
  kernel: typeof SCAN | typeof SCAN_GRAD,
  inputs: readonly tf.Tensor[],
  outputs: number,
  attributes: ScanAttributes,
): tf.Tensor[] {
  const named = Object.fromEntries(inputs.map((tensor, i) => [`${i}`, tensor]));
  const attrs = { outputs, ...attributes } as unknown as tf.NamedAttrMap;
  return tf.engine().runKernel(kernel, named, attrs) as unknown as tf.Tensor[];
}

/** Makes the op library's scan ops kernels of the `tensorflow` backend; needs the library loaded. */
export function registerScanKernels(): void {
  for (const kernelName of [SCAN, SCAN_GRAD]) {
    if (tf.getKernel(kernelName, 'tensorflow') !== undefined) continue;
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, backend, attrs }) => {
        const native = backend as TensorFlowBackend;
        const { outputs, ...attributes } = attrs as unknown as ScanAttributes & { readonly outputs: number };
        const tensors = Object.values(inputs) as tf.TensorInfo[];
        const given = opAttributes(native, attributes, tensors.length, outputs);
        return native.executeMultipleOutputs(kernelName, given, tensors, outputs);
      },
    });
  }
}

function opAttributes(
  backend: TensorFlowBackend,
  attributes: ScanAttributes,
  inputs: number,
  outputs: number,
): OpAttribute[] {
  const { TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_ATTR_INT, TF_ATTR_STRING } = backend.binding;
  return [
    { name: 'N', type: TF_ATTR_INT, value: inputs },
    { name: 'M', type: TF_ATTR_INT, value: outputs },
    { name: 'neuron', type: TF_ATTR_STRING, value: attributes.neuron },
    { name: 'constants', type: TF_ATTR_FLOAT, value: attributes.constants },
    { name: 'initial', type: TF_ATTR_FLOAT, value: attributes.initial },
    { name: 'norm', type: TF_ATTR_INT, value: attributes.norm },
    { name: 'epsilon', type: TF_ATTR_FLOAT, value: attributes.epsilon },
    { name: 'momentum', type: TF_ATTR_FLOAT, value: attributes.momentum },
    { name: 'noise', type: TF_ATTR_FLOAT, value: attributes.noise },
    { name: 'learn', type: TF_ATTR_BOOL, value: attributes.learn },
    { name: 'record', type: TF_ATTR_BOOL, value: attributes.record },
    { name: 'pool', type: TF_ATTR_BOOL, value: attributes.pool },
    ...convOpAttributes(backend, attributes.conv ?? NO_CONV),
  ];
}

/** Whether the fused scan can run on the backend in use. */
export const hasScanKernel = (): boolean => tf.getKernel(SCAN, tf.getBackend()) !== undefined;
