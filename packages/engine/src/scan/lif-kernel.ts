import type { LifNeuron, Surrogate } from '@bidl/dynamics';
import * as tf from '@tensorflow/tfjs';
import type { OpAttribute, TensorFlowBackend } from '../backend/tensorflow-binding.js';

/** Names of the tfjs kernels that the op library brings to the `tensorflow` backend. */
export const LIF_SCAN = 'BidlLifScan';
export const LIF_SCAN_GRAD = 'BidlLifScanGrad';

const FORWARD_OUTPUTS = 7;
const GRADIENT_OUTPUTS = 9;

/** Inputs of the op library's LIF ops in their order; left-out ones are empty tensors. */
export const LIF_INPUTS = [
  'x',
  'alpha',
  'beta',
  'theta',
  'v0',
  'initial',
  'gamma',
  'shift',
  'mean',
  'variance',
  'bias',
] as const;
export const LIF_GRADIENT_INPUTS = [
  ...LIF_INPUTS,
  'dout',
  'dfinal',
  'saved',
  'batchMean',
  'batchInv',
] as const;

/** What does not change from call to call, as plain attributes of the tfjs kernels. */
export interface LifAttributes extends tf.NamedAttrMap {
  readonly tap: number;
  readonly activation: number;
  readonly slope: number;
  readonly threshold: number;
  readonly slopeArg: number;
  readonly training: boolean;
  readonly epsilon: number;
  readonly momentum: number;
  readonly somaGradients: boolean;
}

const ACTIVATION_CODES = { none: 0, relu: 1, sigmoid: 2, tanh: 3 } as const;

/** Codes of `native/scan/lif_scan.h`, and which argument of the surrogate goes with them. */
const SLOPES: Readonly<Record<string, { readonly code: number; readonly arg?: string }>> = {
  rectangle: { code: 0, arg: 'region' },
  rectangle_infer: { code: 1 },
  arctan: { code: 2, arg: 'alpha' },
  fast_sigmoid: { code: 3, arg: 'slope' },
  sigmoid: { code: 4, arg: 'slope' },
};

/** Whether the fused kernel knows this surrogate. */
export const hasFusedSlope = (surrogate: Surrogate): boolean => Object.hasOwn(SLOPES, surrogate.name);

/** The kernel's attributes for a neuron and its surrogate. */
export function lifAttributes(
  { options: { mode, membMode } }: LifNeuron,
  surrogate: Surrogate,
  rest: { training: boolean; epsilon: number; momentum: number; somaGradients: boolean },
): LifAttributes {
  const { code, arg } = SLOPES[surrogate.name];
  return {
    tap: mode === 'spike' ? -1 : membMode[0],
    activation: ACTIVATION_CODES[membMode[1] ?? 'none'],
    slope: code,
    threshold: surrogate.args.threshold ?? 0,
    slopeArg: arg === undefined ? 0 : surrogate.args[arg],
    ...rest,
  };
}

function opAttributes(backend: TensorFlowBackend, attrs: LifAttributes): OpAttribute[] {
  const { TF_ATTR_INT, TF_ATTR_FLOAT, TF_ATTR_BOOL } = backend.binding;
  return [
    { name: 'tap', type: TF_ATTR_INT, value: attrs.tap },
    { name: 'activation', type: TF_ATTR_INT, value: attrs.activation },
    { name: 'slope', type: TF_ATTR_INT, value: attrs.slope },
    { name: 'threshold', type: TF_ATTR_FLOAT, value: attrs.threshold },
    { name: 'slope_arg', type: TF_ATTR_FLOAT, value: attrs.slopeArg },
    { name: 'training', type: TF_ATTR_BOOL, value: attrs.training },
    { name: 'epsilon', type: TF_ATTR_FLOAT, value: attrs.epsilon },
    { name: 'momentum', type: TF_ATTR_FLOAT, value: attrs.momentum },
    { name: 'soma_gradients', type: TF_ATTR_BOOL, value: attrs.somaGradients },
  ];
}

function register(kernelName: string, op: string, inputs: readonly string[], outputs: number): void {
  if (tf.getKernel(kernelName, 'tensorflow') !== undefined) return;
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs: given, backend, attrs }) => {
      const native = backend as TensorFlowBackend;
      const ordered = inputs.map((name) => given[name] as tf.TensorInfo);
      return native.executeMultipleOutputs(
        op,
        opAttributes(native, attrs as LifAttributes),
        ordered,
        outputs,
      );
    },
  });
}

/** Makes the op library's LIF ops kernels of the `tensorflow` backend; needs the library loaded. */
export function registerLifKernels(): void {
  register(LIF_SCAN, 'BidlLifScan', LIF_INPUTS, FORWARD_OUTPUTS);
  register(LIF_SCAN_GRAD, 'BidlLifScanGrad', LIF_GRADIENT_INPUTS, GRADIENT_OUTPUTS);
}

/** Whether the fused kernel can run on the backend in use. */
export const hasLifKernel = (): boolean => tf.getKernel(LIF_SCAN, tf.getBackend()) !== undefined;
