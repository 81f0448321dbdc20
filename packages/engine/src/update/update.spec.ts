import { createHash } from 'node:crypto';
import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import type { Formula } from './elementwise.js';
import { record } from './record.js';
import { UpdateError, updateElements } from './update.js';

/** Lengths below and above a vector, a block and a thread's share; none of the last a multiple of them. */
const SHAPES = [[3], [], [17, 5], [0, 4], [1000], [40_001]];

const wave = (shape: readonly number[], frequency: number): tf.Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from(
    { length: size },
    (_, i) => Math.sin(frequency * (i + 1)) * (i % 7 ? 1 : 1e-4),
  );
  return tf.tensor(values, [...shape], 'float32');
};
const lists = () => ({
  x: SHAPES.map((shape) => wave(shape, 0.37)),
  y: SHAPES.map((shape) => wave(shape, 0.73)),
  z: SHAPES.map((shape) => tf.abs(wave(shape, 0.11))),
});
/** The bits of every tensor, short enough to compare. */
const bits = (results: Record<string, readonly tf.Tensor[]>) =>
  Object.fromEntries(
    Object.entries(results).map(([name, list]) => [
      name,
      list.map((t) =>
        createHash('sha1')
          .update(new Uint8Array(Float32Array.from(t.dataSync()).buffer))
          .digest('hex'),
      ),
    ]),
  );

const formulas: Record<string, Formula> = {
  'every operation': (o, { x, y, z }) => ({
    sum: o.add(o.sub(x, y), o.mul(o.div(x, 0.7), z)),
    least: o.min(o.max(x, y), o.max(z, 0.25)),
    root: o.div(o.sqrt(z), o.add(o.abs(y), 1e-3)),
    signs: o.add(o.mul(o.sign(x), 3), o.sign(o.mul(y, 0))),
    chosen: o.select(x, o.select(y, 1.2, 0.5), o.select(o.neg(y), z, 0.1)),
    mixed: o.combine(0.9, x, 0.1, o.square(y)),
  }),
  'inputs handed on': (o, { x, y }) => ({ x: y, again: y, y: o.add(y, x), twice: x }),
  'many at once': (o, { x, y, z }) => {
    const parts = Array.from({ length: 12 }, (_, i) => o.mul(o.add(x, i), o.sub(y, i)));
    return { all: parts.reduce((sum, part) => o.add(o.mul(sum, z), part)) };
  },
};

beforeAll(() => startEngine({ backend: 'tensorflow' }));

test.each(Object.entries(formulas))('%s: one operation gives the bits of many', (_, formula) => {
  expect(record(formula, ['x', 'y', 'z'], new Set())).toBeDefined();
  const given = lists();
  const before = bits(given);
  const fused = updateElements(formula, given);
  expect(bits(fused)).toEqual(bits(updateElements(formula, given, { form: 'composed' })));
  expect(Object.values(fused).map((list) => list.map((t) => t.shape))).toEqual(
    Object.values(fused).map(() => SHAPES),
  );
  expect(bits(given)).toEqual(before);
});

describe('consumed arrays', () => {
  const momentum: Formula = (o, { x, y, z }) => {
    const m = o.combine(0.9, z, 1, y);
    return { z: m, x: o.combine(1, x, -0.1, m) };
  };
  // the old z is read after the new one is known
  const late: Formula = (o, { x, y, z }) => {
    const next = o.add(z, y);
    return { z: next, x: o.combine(1, x, 0.5, o.mul(z, next)) };
  };
  const swapped: Formula = (o, { x, z }) => ({ z: x, x: o.mul(z, 1), old: z });

  test.each(Object.entries({ momentum, late, swapped }))('%s', (_, formula) => {
    const want = bits(updateElements(formula, lists()));
    const given = lists();
    const held = tf.memory().numTensors;
    const results = updateElements(formula, given, { consumed: ['z'] });
    expect(bits(results)).toEqual(want);
    // z was used up: only the other results are new
    expect(tf.memory().numTensors).toBe(held + SHAPES.length * (Object.keys(results).length - 1));
  });

  test('are overwritten where they lie', () => {
    const given = lists();
    const { z } = updateElements(momentum, given, { consumed: ['z'] });
    z.forEach((t, k) => expect(t).toBe(given.z[k]));
  });
});

test('max, min and sign keep a NaN', () => {
  const x = tf.tensor1d([NaN, 1, NaN]);
  const y = tf.tensor1d([1, NaN, NaN]);
  const made = updateElements((o, { a, b }) => ({ max: o.max(a, b), min: o.min(a, b), sign: o.sign(a) }), {
    a: [x],
    b: [y],
  });
  const values = Object.fromEntries(
    Object.entries(made).map(([name, [t]]) => [name, Array.from(t.dataSync())]),
  );
  expect(values).toEqual({ max: [NaN, NaN, NaN], min: [NaN, NaN, NaN], sign: [NaN, 1, NaN] });
});

test('a formula that needs too much at once runs composed', () => {
  const wide: Formula = (o, { x }) => {
    const parts = Array.from({ length: 20 }, (_, i) => o.add(x, i));
    return { sum: parts.reduceRight((sum, part) => o.add(sum, part)) };
  };
  expect(record(wide, ['x'], new Set())).toBeUndefined();
  expectClose(updateElements(wide, { x: [tf.tensor1d([1, 2])] }).sum[0].dataSync(), [210, 230], 1e-4);
});

test('elsewhere it is composed', async () => {
  await startEngine({ backend: 'cpu' });
  const { sum } = updateElements((o, { x }) => ({ sum: o.add(x, 1) }), {
    x: [tf.tensor1d([1]), tf.scalar(2)],
  });
  expect(sum.map((t) => Array.from(t.dataSync()))).toEqual([[2], [3]]);
  await startEngine({ backend: 'tensorflow' });
});

test.each<[string, () => unknown, string]>([
  [
    'length',
    () => updateElements((_, { x }) => ({ x }), { x: [tf.scalar(1)], y: [] }),
    'y holds 0 tensors, x 1',
  ],
  [
    'shape',
    () => updateElements((_, { x }) => ({ x }), { x: [tf.zeros([2])], y: [tf.zeros([3])] }),
    'y[0] is [3], x[0] is [2]',
  ],
  [
    'consumed',
    () => updateElements((_, { x }) => ({ x }), { x: [tf.zeros([2])] }, { consumed: ['m'] }),
    'm is to be consumed, but there is no such list',
  ],
])('error: %s', (_, run, message) => {
  expect(run).toThrow(UpdateError);
  expect(run).toThrow(message);
});
