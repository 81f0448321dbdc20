import type { Ops } from '@bidl/dynamics';
import * as tf from '@tensorflow/tfjs';
import type { Norm } from '../norm/types.js';
import { centre } from './moments.js';
import { fireWith, normalise, perturbWith, plainOps, scaleOf } from './tensor-ops.js';
import type { AnyNeuron, ScanArgs, ScanResult, StepArgs } from './types.js';

/** One time step of a neuron in tensors, with running statistics in `norm`. */
export function stepComposed(
  neuron: AnyNeuron,
  x: tf.Tensor,
  state: Readonly<Record<string, tf.Tensor>>,
  { params, norm, surrogate }: StepArgs,
): { out: tf.Tensor; state: Readonly<Record<string, tf.Tensor>> } {
  const ops: Ops<tf.Tensor> = {
    ...plainOps,
    fire: fireWith(surrogate),
    ...(norm && {
      norm: (u: tf.Tensor) => normalise(u, norm.mean, norm.variance, norm.gamma, norm.beta, norm.epsilon),
    }),
  };
  return neuron.step(ops, x, state, params);
}

/** BatchNorm with each step's own statistics, which it also folds into the running ones. */
class BatchStatistics {
  running: { mean: tf.Tensor; variance: tf.Tensor };

  constructor(private readonly norm: Norm) {
    this.running = { mean: norm.mean, variance: norm.variance };
  }

  readonly apply = (u: tf.Tensor): tf.Tensor => {
    const { gamma, beta, epsilon, momentum } = this.norm;
    const { centred, ...moments } = centre(u, u.shape.map((_, axis) => axis).slice(0, -1));
    const [mean, variance] = [moments.mean, moments.variance].map((m) => tf.reshape(m, [-1]));
    const count = u.size / gamma.size;
    const blend = (old: tf.Tensor, now: tf.Tensor) => tf.add(old, tf.mul(momentum, tf.sub(now, old)));
    this.running = {
      mean: blend(this.running.mean, mean),
      variance: blend(this.running.variance, tf.mul(variance, count / Math.max(1, count - 1))),
    };
    return tf.add(tf.mul(centred, scaleOf(variance, gamma, epsilon)), beta);
  };
}

/** The sequence step by step in TensorFlow.js ops, on any backend. Differentiable through all of its arguments. */
export function scanComposed(neuron: AnyNeuron, args: ScanArgs): ScanResult {
  const { params, norm, surrogate, training, noise = 0, seed = 0, pool = false } = args;
  const x = args.bias ? tf.add(args.x, args.bias) : args.x;
  const batchNorm = norm && training ? new BatchStatistics(norm) : undefined;
  let step = 0;
  const ops: Ops<tf.Tensor> = {
    ...plainOps,
    fire: fireWith(surrogate),
    ...(batchNorm && { norm: batchNorm.apply }),
    ...(norm &&
      !training && {
        norm: (u: tf.Tensor) => normalise(u, norm.mean, norm.variance, norm.gamma, norm.beta, norm.epsilon),
      }),
    ...(training && noise > 0 && { perturb: (u: tf.Tensor) => perturbWith(u, noise, seed, step) }),
  };
  // Not a slice per step inside a differentiated loop: its gradient would be padded to full size T times over.
  // (tfjs's gradient of unstack fails for a single piece.)
  const inputs = x.shape[1] === 1 ? [tf.squeeze(x, [1])] : tf.unstack(x, 1);
  let state = initialState(neuron, args);
  const outs = inputs.map((input) => {
    const result = neuron.step(ops, input, state, params);
    state = result.state;
    step++;
    return pool ? tf.maxPool(result.out as tf.Tensor4D, 2, 2, 'valid') : result.out;
  });
  return { out: tf.stack(outs, 1), state, ...(batchNorm && { running: batchNorm.running }) };
}

/** The state given, completed by the neuron's initial values. */
export function initialState(neuron: AnyNeuron, { x, state }: ScanArgs): Readonly<Record<string, tf.Tensor>> {
  const shape = [x.shape[0], ...x.shape.slice(2)];
  return Object.fromEntries(
    Object.entries(neuron.state).map(([key, value]) => [key, state?.[key] ?? tf.fill(shape, value)]),
  );
}
