import { noiseKey, normalAt, type Ops, type Surrogate } from '@bidl/dynamics';
import * as tf from '@tensorflow/tfjs';

/** How `tf.customGrad` hands over the function that keeps tensors for the backward pass. */
export type Save = (tensors: tf.Tensor[]) => void;

/** A function of tensors whose result takes no part in differentiation. */
function constantOf(inputs: tf.Tensor[], f: (...x: tf.Tensor[]) => tf.Tensor): tf.Tensor {
  return tf.customGrad((...args) => {
    const tensors = args.slice(0, inputs.length) as tf.Tensor[];
    const value = tf.tidy(() => f(...tensors));
    const shapes = tensors.map((t) => t.shape);
    return { value, gradFunc: () => shapes.map((shape) => tf.zeros(shape)) };
  })(...inputs);
}

/** The operations that need nothing from the layer. */
export const plainOps: Ops<tf.Tensor> = {
  constant: (v) => tf.scalar(v),
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  div: (a, b) => tf.div(a, b),
  neg: (x) => tf.neg(x),
  abs: (x) => tf.abs(x),
  exp: (x) => tf.exp(x),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.sigmoid(x),
  relu: (x) => tf.relu(x),
  atan: (x) => tf.atan(x),
  gt: (a, b) => constantOf([a, b], (x, y) => tf.cast(tf.greater(x, y), 'float32')),
  sign: (x) => constantOf([x], (v) => tf.sign(v)),
  blend: (s, a, b) => tf.add(tf.mul(s, a), tf.mul(tf.sub(1, s), b)),
  fire: (x) => x,
  norm: (x) => x,
  perturb: (x) => x,
};

/** Spikes forward, the surrogate's derivative backward. */
export function fireWith(surrogate: Surrogate): (x: tf.Tensor) => tf.Tensor {
  return (x) =>
    tf.customGrad((v, save) => {
      const input = v as tf.Tensor;
      (save as Save)([input]);
      return {
        value: surrogate.forward(plainOps, input),
        gradFunc: (dy, saved) => tf.mul(dy as tf.Tensor, surrogate.derivative(plainOps, saved[0])),
      };
    })(x);
}

/**
 * Adds `scale`·N(0, 1) to the membrane of one step, in units of its own standard deviation: over the spatial axes of each
 * sample and channel, or over everything for an input without such axes. The gradient passes unchanged.
 */
export function perturbWith(u: tf.Tensor, scale: number, seed: number, step: number): tf.Tensor {
  return tf.customGrad((v) => {
    const x = v as tf.Tensor;
    const axes = x.rank > 2 ? x.shape.map((_, i) => i).slice(1, -1) : undefined;
    const value = tf.tidy(() => {
      const { variance } = tf.moments(x, axes, true);
      const count = axes ? axes.reduce((n, a) => n * x.shape[a], 1) : x.size;
      const spread = tf.sqrt(tf.mul(variance, count / Math.max(1, count - 1)));
      return tf.add(x, tf.mul(normals(x.shape, seed, step), tf.mul(scale, spread)));
    });
    return { value, gradFunc: (dy) => dy as tf.Tensor };
  })(u);
}

/** The normal numbers of one step, `[B, ...]`. */
function normals(shape: number[], seed: number, step: number): tf.Tensor {
  const [batch = 1, ...rest] = shape;
  const perSample = rest.reduce((n, size) => n * size, 1);
  const values = new Float32Array(batch * perSample);
  for (let b = 0; b < batch; b++) {
    const key = noiseKey(seed, step, b);
    for (let i = 0; i < perSample; i++) values[b * perSample + i] = normalAt(key, i);
  }
  return tf.tensor(values, shape);
}

/** (x − mean)·(γ/√(variance + ε)) + β, in this order of operations. */
export function normalise(
  x: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  const scale = tf.div(gamma, tf.sqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(tf.sub(x, mean), scale), beta);
}

/** Mean and biased variance of every channel (last axis), `[C]` each. */
export function channelMoments(x: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const { mean, variance } = tf.moments(x, x.shape.map((_, i) => i).slice(0, -1));
  return [mean, variance];
}
