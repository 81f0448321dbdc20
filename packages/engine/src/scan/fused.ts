import type { LifNeuron } from '@bidl/dynamics';
import * as tf from '@tensorflow/tfjs';
import {
  hasFusedSlope,
  hasLifKernel,
  LIF_GRADIENT_INPUTS,
  LIF_INPUTS,
  LIF_SCAN,
  LIF_SCAN_GRAD,
  lifAttributes,
} from './lif-kernel.js';
import type { Save } from './tensor-ops.js';
import type { AnyNeuron, ScanArgs, ScanResult } from './types.js';

const isLif = (neuron: AnyNeuron): neuron is LifNeuron => neuron.name === 'lif' && 'options' in neuron;

/** Why the fused kernel can't run this scan, or undefined when it can. */
export function whyNotFused(
  neuron: AnyNeuron,
  { surrogate, training, noise = 0 }: ScanArgs,
): string | undefined {
  if (!hasLifKernel())
    return `backend "${tf.getBackend()}" has no fused scan (bidl engine install brings it)`;
  if (!isLif(neuron)) return `there is no fused kernel for neuron "${neuron.name}"`;
  if (!hasFusedSlope(surrogate)) return `the fused kernel does not know the surrogate "${surrogate.name}"`;
  if (training && noise > 0) return 'training noise needs the composed form';
  return undefined;
}

type Kernel = (inputs: readonly string[], tensors: readonly tf.Tensor[], kernel: string) => tf.Tensor[];

/**
 * The LIF scan as one kernel. What the backward pass needs is kept only while gradients are being recorded.
 *
 * The output and the final state are two values of one computation; each gets its gradient from the backward
 * kernel, the final state's only where a loss uses it.
 */
export function scanFused(neuron: AnyNeuron, args: ScanArgs): ScanResult {
  const { x, params, bias, state, norm, surrogate, training } = args;
  const empty = tf.zeros([0]);
  const attrs = lifAttributes(neuron as LifNeuron, surrogate, {
    training,
    epsilon: norm?.epsilon ?? 0,
    momentum: norm?.momentum ?? 0,
    somaGradients: Object.values(params).some((p) => !(p instanceof tf.Variable) || p.trainable),
  });
  const run: Kernel = (names, tensors, kernel) =>
    tf
      .engine()
      .runKernel(
        kernel,
        Object.fromEntries(names.map((n, i) => [n, tensors[i]])),
        attrs,
      ) as unknown as tf.Tensor[];
  // LIF's state starts at 0, which the kernel needs no tensor for.
  const inputs = [
    x,
    ...(['alpha', 'beta', 'theta', 'v0'] as const).map((k) => params[k]),
    state?.v ?? empty,
    ...(norm ? [norm.gamma, norm.beta, norm.mean, norm.variance] : [empty, empty, empty, empty]),
    bias ?? empty,
  ];

  const [out, final, saved, batchMean, batchInv, mean, variance] = run(LIF_INPUTS, inputs, LIF_SCAN);
  const withGradient = (
    result: tf.Tensor,
    backward: (kept: readonly tf.Tensor[], dy: tf.Tensor) => tf.Tensor[],
  ) =>
    tf.customGrad((...given) => {
      (given[inputs.length] as Save)([...inputs, saved, batchMean, batchInv]);
      return { value: tf.clone(result), gradFunc: (dy, kept) => backward(kept, dy as tf.Tensor) };
    })(...inputs);
  return {
    out: withGradient(out, (kept, dy) => gradients(run, kept, dy, undefined)),
    state: { v: withGradient(final, (kept, dy) => gradients(run, kept, undefined, dy)) },
    ...(norm && training && { running: { mean, variance } }),
  };
}

/** Gradients for every input of the forward kernel, from those of the output or of the final state. */
function gradients(
  run: Kernel,
  kept: readonly tf.Tensor[],
  dout?: tf.Tensor,
  dfinal?: tf.Tensor,
): tf.Tensor[] {
  const inputs = kept.slice(0, LIF_INPUTS.length);
  const saved = kept.slice(LIF_INPUTS.length);
  const empty = tf.zeros([0]);
  const [dx, dinitial, dalpha, dbeta, dtheta, dv0, dgamma, dshift, dbias] = run(
    LIF_GRADIENT_INPUTS,
    [...inputs, dout ?? empty, dfinal ?? empty, ...saved],
    LIF_SCAN_GRAD,
  );
  const channelwise = [dalpha, dbeta, dtheta, dv0].map((g, k) => {
    const like = inputs[1 + k];
    if (g.size === 0) return tf.zerosLike(like);
    return like.size === 1 ? tf.reshape(tf.sum(g), like.shape) : tf.reshape(g, like.shape);
  });
  const initial = inputs[5].size === 0 ? tf.zerosLike(inputs[5]) : dinitial;
  // The running statistics take no part in training; where they normalise (inference) they are constants.
  return [
    dx,
    ...channelwise,
    initial,
    dgamma,
    dshift,
    tf.zerosLike(inputs[8]),
    tf.zerosLike(inputs[9]),
    dbias,
  ];
}
