import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';
import { valueAndGradients } from '../gradients/gradients.js';
import { batchNorm, NormError } from './batch-norm.js';
import type { NormOptions, Statistics } from './types.js';

const [EPSILON, MOMENTUM] = [1e-5, 0.1];

beforeAll(async () => {
  const { fused } = await startEngine({ backend: 'tensorflow' });
  expect(fused).toBe(true);
});

/** BatchNorm and its gradients in plain loops over doubles. */
function expected(
  shape: readonly number[],
  [given, dy, gamma, beta, mean, variance, bias]: readonly ArrayLike<number>[],
  { training, statistics }: NormOptions,
) {
  const channels = shape.at(-1)!;
  const steps = shape[1]!;
  const rowsOfStep = shape.slice(2, -1).reduce((n, size) => n * size, 1);
  const apart = training && statistics === 'step';
  const groupOf = (at: number) => (apart ? Math.floor(at / (rowsOfStep * channels)) % steps : 0);
  const size = given!.length;
  const x = Float64Array.from(given!, (value, at) => value + bias![at % channels]!);
  const [y, dx] = [new Float64Array(size), new Float64Array(size)];
  const [dgamma, dbeta, dbias] = [0, 0, 0].map(() => new Float64Array(channels)) as Float64Array[];
  const next = { mean: Float64Array.from(mean!), variance: Float64Array.from(variance!) };
  for (let c = 0; c < channels; c++) {
    for (let g = 0; g < (apart ? steps : 1); g++) {
      const places = Array.from({ length: size / channels }, (_, row) => row * channels + c).filter(
        (at) => groupOf(at) === g,
      );
      const average = (of: (at: number) => number) =>
        places.reduce((sum, at) => sum + of(at), 0) / places.length;
      const about = training ? average((at) => x[at]!) : mean![c]!;
      const spread = training ? average((at) => (x[at]! - about) ** 2) : variance![c]!;
      const inverse = 1 / Math.sqrt(spread + EPSILON);
      const z = (at: number) => (x[at]! - about) * inverse;
      const [shift, scale] = [average((at) => dy![at]!), average((at) => dy![at]! * z(at))];
      for (const at of places) {
        y[at] = z(at) * gamma![c]! + beta![c]!;
        dx[at] = gamma![c]! * inverse * (dy![at]! - (training ? shift + z(at) * scale : 0));
        dbias[c]! += dx[at]!;
      }
      dgamma[c]! += scale * places.length;
      dbeta[c]! += shift * places.length;
      if (!training) continue;
      const unbiased = places.length > 1 ? (spread * places.length) / (places.length - 1) : spread;
      next.mean[c] = (1 - MOMENTUM) * next.mean[c]! + MOMENTUM * about;
      next.variance[c] = (1 - MOMENTUM) * next.variance[c]! + MOMENTUM * unbiased;
    }
  }
  return { y, gradients: [dx, dgamma, dbeta, dbias], next };
}

/** A norm and an input `offset` standard deviations from zero. */
function sample(shape: number[], seed: number, offset = 0) {
  const random = (size: number[], k: number) => tf.randomNormal(size, 0, 1, 'float32', seed + k);
  const channels = [shape.at(-1)!];
  const x = tf.add(random(shape, 0), offset);
  const tensors = {
    gamma: random(channels, 2),
    beta: random(channels, 3),
    mean: tf.add(random(channels, 4), offset),
    variance: tf.square(random(channels, 5)),
  };
  return {
    x,
    dy: random(shape, 1),
    bias: random(channels, 6),
    norm: { ...tensors, epsilon: EPSILON, momentum: MOMENTUM },
  };
}

/** Value and gradients of x, gamma, beta and bias. */
function compute({ x, dy, norm, bias }: ReturnType<typeof sample>, options: NormOptions) {
  let running: { mean: tf.Tensor; variance: tf.Tensor } | undefined;
  const { value, grads } = valueAndGradients(
    () => {
      const made = batchNorm(x, norm, { ...options, bias });
      if (made.running)
        running = { mean: tf.keep(made.running.mean), variance: tf.keep(made.running.variance) };
      return made.out;
    },
    [x, norm.gamma, norm.beta, bias],
    dy,
  );
  return { out: value, grads, running };
}

const shapes = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 })),
  fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 40 }),
  ),
);

test.each(['auto', 'composed'] as const)(
  'BatchNorm (%s) and its gradients are those of plain loops',
  (form) => {
    fc.assert(
      fc.property(
        shapes,
        fc.integer({ min: 0, max: 1 << 30 }),
        fc.boolean(),
        fc.constantFrom<Statistics>('step', 'sequence'),
        (shape, seed, training, statistics) => {
          tf.tidy(() => {
            const given = sample(shape, seed);
            const { x, dy, norm, bias } = given;
            const options = { training, statistics, form };
            const arrays = [x, dy, norm.gamma, norm.beta, norm.mean, norm.variance, bias].map((t) =>
              t.dataSync(),
            );
            // One value a channel has no spread, and 1 / sqrt(epsilon) makes much of its rounding.
            const want = expected(shape, arrays, options);
            const { out, grads, running } = compute(given, options);
            const few = x.size / shape.at(-1)! / (statistics === 'step' ? shape[1]! : 1) < 3;
            const tolerance = { atol: training && few ? 1e-2 : 1e-4, rtol: 1e-5 };
            expectClose(out.dataSync(), want.y, tolerance);
            want.gradients.forEach((gradient, k) => expectClose(grads[k]!.dataSync(), gradient, tolerance));
            expect(running !== undefined).toBe(training);
            if (!running) return;
            expectClose(running.mean.dataSync(), want.next.mean, 1e-5);
            expectClose(running.variance.dataSync(), want.next.variance, 1e-4);
            tf.dispose([running.mean, running.variance]);
          });
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  },
);

test('values far from zero lose nothing but their own rounding', () => {
  tf.tidy(() => {
    const shape = [8, 4, 32, 32, 16];
    const given = { ...sample(shape, 7, 1000), bias: tf.zeros([16]) };
    const { x, dy, norm, bias } = given;
    const options: NormOptions = { training: true, statistics: 'step' };
    const arrays = [x, dy, norm.gamma, norm.beta, norm.mean, norm.variance, bias].map((t) => t.dataSync());
    const want = expected(shape, arrays, options);
    const { out, grads, running } = compute(given, options);
    const tolerance = { atol: 2e-6, rtol: 1e-6 };
    expectClose(out.dataSync(), want.y, tolerance);
    expectClose(grads[0]!.dataSync(), want.gradients[0]!, tolerance);
    // of 32768 terms each
    const sums = { atol: 1e-4, rtol: 1e-6 };
    expectClose(grads[1]!.dataSync(), want.gradients[1]!, sums);
    expectClose(grads[2]!.dataSync(), want.gradients[2]!, sums);
    expectClose(running!.variance.dataSync(), want.next.variance, tolerance);
    tf.dispose([running!.mean, running!.variance]);
  });
});

test('a step’s statistics are those of the step alone, bit for bit, and nothing is held', () => {
  const { x, norm } = sample([2, 3, 9, 9, 21], 3);
  const options: NormOptions = { training: true, statistics: 'step' };
  const held = tf.memory().numTensors;
  tf.tidy(() => {
    const whole = tf.unstack(batchNorm(x, norm, options).out, 1);
    tf.split(x, 3, 1).forEach((step, t) => {
      expect(batchNorm(step, norm, options).out.dataSync()).toEqual(whole[t]!.dataSync());
    });
  });
  expect(tf.memory().numTensors).toBe(held);
  tf.dispose([x, ...Object.values(norm)]);
});

test('what can’t be normalised is named', () => {
  const { norm } = sample([1, 1, 4], 1);
  const options: NormOptions = { training: true, statistics: 'step' };
  expect(() => batchNorm(tf.zeros([2, 4]), norm, options)).toThrow(NormError);
  expect(() => batchNorm(tf.zeros([2, 4]), norm, options)).toThrow('x must be [B, T, ..., C]; it is [2, 4]');
  expect(() => batchNorm(tf.zeros([2, 1, 5]), norm, options)).toThrow('x has 5 channels, the norm 4');
  expect(() => batchNorm(tf.zeros([0, 1, 4]), norm, options)).toThrow('an empty batch, [0, 1, 4]');
  expect(batchNorm(tf.zeros([0, 1, 4]), norm, { ...options, training: false }).out.shape).toEqual([0, 1, 4]);
});
