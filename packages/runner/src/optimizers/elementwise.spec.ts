import { startEngine, tf } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';
import './builtin.js';
import { createOptimizer, OptimizerError, optimizers, type Optimizer } from './optimizer.js';

const wave = (shape: number[], frequency: number) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tidy(() => tf.sin(tf.mul(tf.range(1, size + 1), frequency)).reshape(shape));
};
const weight = (name: string, shape: number[], trainable = true): NamedVariable => ({
  name,
  trainable,
  variable: tf.variable(wave(shape, name.length)),
});
const network = () => [weight('a', [3, 2]), weight('bb', [4]), weight('ccc', [40, 30])];
const gradientsFor = (weights: readonly NamedVariable[], step: number) =>
  new Map(weights.map((w, i) => [w.name, wave(w.variable.shape, 1 + step + i / 8)] as const));
const run = (optimizer: Optimizer, weights: readonly NamedVariable[], from: number, to: number) => {
  for (let step = from; step < to; step++) tf.tidy(() => optimizer.step(gradientsFor(weights, step)));
};
const values = (weights: readonly NamedVariable[]) => weights.map((w) => Array.from(w.variable.dataSync()));

beforeAll(() => startEngine());

describe.each([
  { type: 'SGD', lr: 0.1 },
  { type: 'SGD', lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1e-4 },
  { type: 'Adam', lr: 0.01, amsgrad: true },
  { type: 'AdamW', lr: 0.01 },
  { type: 'NAdam' },
  { type: 'RAdam' },
  { type: 'Adamax' },
  { type: 'Adagrad', lr_decay: 0.1 },
  { type: 'Adadelta' },
  { type: 'RMSprop', centered: true, momentum: 0.9 },
  { type: 'Rprop' },
  { type: 'ASGD', t0: 2 },
])('%j', (config) => {
  it('holds the same number of tensors after 10 and after 60 steps, and none after dispose', () => {
    const weights = network();
    const before = tf.memory().numTensors;
    const optimizer = createOptimizer(config, weights);
    run(optimizer, weights, 0, 10);
    const after10 = tf.memory().numTensors;
    run(optimizer, weights, 10, 60);
    expect(tf.memory().numTensors).toBe(after10);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('goes on bit for bit from a saved state, which further steps leave as it is', () => {
    const unbroken = network();
    const first = createOptimizer(config, unbroken);
    run(first, unbroken, 0, 5);
    const state = first.state();
    const resumed = unbroken.map((w) => ({ ...w, variable: tf.variable(w.variable) }));
    run(first, unbroken, 5, 9);
    const second = createOptimizer(config, resumed);
    second.load(state);
    state.tensors.forEach((t) => t.dispose());
    run(second, resumed, 5, 9);
    expect(values(resumed)).toEqual(values(unbroken));
  });

  it('leaves a parameter without gradient alone, and takes it up again later', () => {
    const weights = network();
    const alone = weights.map((w) => ({ ...w, variable: tf.variable(w.variable) }));
    const optimizer = createOptimizer(config, weights);
    const other = createOptimizer(config, alone.slice(0, 1));
    const [a] = weights;
    const before = tf.memory().numTensors;
    for (const step of [0, 1, 2, 3]) {
      tf.tidy(() => {
        const gradients = gradientsFor(weights, step);
        if (step === 1 || step === 2) gradients.delete('a');
        else other.step(new Map([['a', gradients.get('a')!]]));
        optimizer.step(gradients);
      });
    }
    expect(a!.variable.dataSync()).toEqual(alone[0]!.variable.dataSync());
    optimizer.dispose();
    other.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('gives parameter groups rates and options of their own', () => {
  const [fast, slow] = [weight('fast', [2]), weight('slow', [2])];
  const start = values([fast!, slow!]);
  const optimizer = optimizers.build({ type: 'SGD', lr: 1 }, [
    { parameters: [fast!] },
    { parameters: [slow!], options: { lr: 0.5 } },
  ]);
  optimizer.groups[0]!.lr = 2;
  tf.tidy(() => optimizer.step(new Map([fast!, slow!].map((w) => [w.name, tf.ones([2])]))));
  expect(optimizer.groups.map((g) => g.baseLr)).toEqual([1, 0.5]);
  const moved = values([fast!, slow!]).map((row, i) =>
    row.map((v, k) => Math.round(1e5 * (start[i]![k]! - v)) / 1e5),
  );
  expect(moved).toEqual([
    [2, 2],
    [0.5, 0.5],
  ]);
});

it('trains only what is trainable, and says when nothing is', () => {
  expect(
    createOptimizer({ type: 'SGD' }, [weight('w', [1]), weight('mean', [1], false)]).groups[0]!.names,
  ).toEqual(['w']);
  expect(() => createOptimizer({ type: 'SGD' }, [weight('mean', [1], false)])).toThrow(OptimizerError);
});

it.each([
  [{ type: 'SGD', momentun: 0.9 }, /optimizer\.momentun.*momentum/],
  [{ type: 'Adma' }, /optimizer\.type "Adma" is unknown.*"Adam"/],
  [{ type: 'SGD', nesterov: true }, /optimizer\.nesterov needs a momentum above 0/],
  [{ type: 'Adam', betas: [0.9, 1] }, /optimizer\.betas\[1\] must be less than 1/],
  [{ type: 'Adam', lr: '0.1' }, /optimizer\.lr must be a number/],
])('refuses %j', (config, message) => {
  expect(() => createOptimizer(config, [weight('w', [1])])).toThrow(message);
});

it('refuses the state of other parameters', () => {
  const optimizer = createOptimizer({ type: 'SGD', momentum: 0.9 }, [weight('w', [2])]);
  const tensors = (key: string, shape: number[]) => new Map([[key, tf.zeros(shape)]]);
  const load = (key: string, shape: number[], step: string) => () =>
    optimizer.load({ tensors: tensors(key, shape), scalars: { [step]: 1 } });
  expect(load('momentum_buffer/v', [2], 'step/v')).toThrow(/"momentum_buffer\/v" belongs to no parameter/);
  expect(load('momentum_buffer/w', [2], 'stop/w')).toThrow(/"step\/w" is missing/);
  expect(load('exp_avg/w', [2], 'step/w')).toThrow(/"momentum_buffer\/w" is missing/);
  expect(load('momentum_buffer/w', [3], 'step/w')).toThrow(/is \[3\], its parameter is \[2\]/);
});
