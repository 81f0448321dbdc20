import { startEngine, tf } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';
import './builtin.js';
import { createOptimizer } from './optimizer.js';

beforeAll(() => startEngine());

const NAMES = [
  'clif1/kernel',
  'clif1/bias',
  'clif1/beta',
  'clif1/norm/gamma',
  'clif1/norm/beta',
  'head/0/kernel',
  'head/0/bias',
];
const network = (): NamedVariable[] =>
  NAMES.map((name) => ({ name, trainable: true, variable: tf.variable(tf.ones([2])) }));

/** What one step with zero gradients leaves of weights of 1: 1 - lr · weight_decay. */
function kept(config: object): Record<string, number> {
  const weights = network();
  const optimizer = createOptimizer({ type: 'SGD', lr: 0.5, weight_decay: 0.2, ...config }, weights);
  tf.tidy(() => optimizer.step(new Map(NAMES.map((name) => [name, tf.zeros([2])]))));
  return Object.fromEntries(
    weights.map((w) => [w.name, Math.round(1000 * w.variable.dataSync()[0]!) / 1000]),
  );
}
const all = (value: number) => Object.fromEntries(NAMES.map((name) => [name, value]));

it('leaves biases and norms without weight decay; a neuron has a beta that is no norm', () => {
  expect(kept({})).toEqual(all(0.9));
  expect(kept({ paramwise_cfg: { bias_decay_mult: 0, norm_decay_mult: 0 } })).toEqual({
    ...all(0.9),
    'clif1/bias': 1,
    'head/0/bias': 1,
    'clif1/norm/gamma': 1,
    'clif1/norm/beta': 1,
  });
});

it('takes the longest key that is found in a name, and it alone', () => {
  const custom_keys = {
    clif1: { decay_mult: 2 },
    'clif1/norm': { weight_decay: 0.1 },
    head: { lr: 0.1, decay_mult: 5 },
    'head/0/bias': { lr_mult: 0 },
  };
  expect(kept({ paramwise_cfg: { custom_keys, bias_decay_mult: 0 } })).toEqual({
    ...all(0.8),
    'clif1/norm/gamma': 0.95,
    'clif1/norm/beta': 0.95,
    'head/0/kernel': 0.9,
    'head/0/bias': 1,
  });
});

it('makes one group of all that share their values, the optimizer’s own first', () => {
  const paramwise_cfg = { bias_lr_mult: 2, bias_decay_mult: 0, norm_decay_mult: 0 };
  const { groups } = createOptimizer({ type: 'AdamW', lr: 0.1, paramwise_cfg }, network());
  expect(groups.map((g) => [g.baseLr, g.names])).toEqual([
    [0.1, ['clif1/kernel', 'clif1/beta', 'head/0/kernel']],
    [0.2, ['clif1/bias', 'head/0/bias']],
    [0.1, ['clif1/norm/gamma', 'clif1/norm/beta']],
  ]);
});

it.each([
  [
    { custom_keys: { clfi1: { lr_mult: 2 } } },
    /custom_keys\.clfi1 is part of no parameter's name\. Did you mean "clif1"\?/,
  ],
  [{ custom_key: {} }, /optimizer\.paramwise_cfg\.custom_key .*"custom_keys"/],
  [
    { custom_keys: { head: { lr_multi: 2 } } },
    /optimizer\.paramwise_cfg\.custom_keys\.head\.lr_multi .*"lr_mult"/,
  ],
  [{ custom_keys: { head: { lr: 1, lr_mult: 2 } } }, /custom_keys\.head\.lr_mult and lr exclude each other/],
])('refuses %j', (paramwise_cfg, message) => {
  expect(() => createOptimizer({ type: 'SGD', paramwise_cfg }, network())).toThrow(message);
});

it('knows which optimizers have no weight decay', () => {
  expect(() => createOptimizer({ type: 'Rprop', paramwise_cfg: { norm_decay_mult: 0 } }, network())).toThrow(
    /optimizer\.paramwise_cfg\.norm_decay_mult can't be: Rprop has no weight_decay/,
  );
});
