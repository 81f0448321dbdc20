import { defineNeuron } from '../neuron.js';
import { lif } from '../neurons/lif.js';
import { rectangle, rectangleInfer } from '../surrogates/upstream.js';
import { emitKernel } from './kernel.js';
import { NotFusableError } from './pass.js';

const plain = { name: 'plain', state: { v: 0 }, params: { p: 1 } } as const;
const tables = (source: string) => [...source.matchAll(/passes = (\{.*\});/g)].map(([, table]) => table);
const body = (source: string, pass: string) => {
  const [, text = ''] = new RegExp(`void ${pass}\\(.*?\\{\\n(.*?)\\n\\}`, 's').exec(source) ?? [];
  return text;
};

test('LIF keeps one value a step for the way back, and with batch statistics nothing beside it', () => {
  const { source, batchReadsInput } = emitKernel(lif(), rectangle());
  expect(tables(source)).toEqual([
    '{step, remember, {back, back_learn}, 1, false}',
    '{step, remember, {back, back_learn}, 1, false}',
    '{before, after, {back_after, back_after_learn}, {back_before, back_before_learn}, 0, 0, false, false}',
  ]);
  expect(batchReadsInput).toBe(false);
});

test('names and numbers of a definition are no part of its kernel', () => {
  const renamed = defineNeuron({ ...lif(), name: 'other', params: { ...lif().params, alpha: 0.9 } });
  const [first, second] = [emitKernel(lif(), rectangle()), emitKernel(renamed, rectangle({ region: 2 }))];
  expect(second.source).toBe(first.source);
  expect(first.constants).toEqual([0, 1, 0.5, 0]);
  expect(second.constants).toEqual([0, 0.25, 2, 0]);
});

test('a state that is read behind the norm outlives the barrier, one in front of it does not', () => {
  const two = defineNeuron({
    name: 'two',
    state: { v: 0, a: 0 },
    params: {},
    step: (o, x, { v, a }) => {
      const u = o.norm(o.add(x, v));
      const spike = o.fire(o.sub(u, a));
      return { out: spike, state: { v: o.mul(o.constant(0.5), u), a: o.add(a, spike) } };
    },
  });
  const batch = tables(emitKernel(two, rectangle()).source).at(-1);
  // kept 1 (a), carried bit 1 (a).
  expect(batch).toMatch(/, 1, 2, false, false\}$/);
});

test('what the loss does not depend on takes no time', () => {
  const source = emitKernel(lif(), rectangleInfer()).source;
  expect(body(source, 'back')).not.toContain('v_abs'); // no slope without a surrogate derivative
  expect(body(source, 'step')).not.toContain('sum_');
});

test('a neuron without norm or noise has no passes for them', () => {
  const { source, hasNorm, hasNoise } = emitKernel(
    defineNeuron({
      ...plain,
      step: (o, x, { v }, { p }) => ({ out: o.add(x, v), state: { v: o.mul(p, x) } }),
    }),
    rectangle(),
  );
  expect([hasNorm, hasNoise]).toEqual([false, false]);
  expect(source).toContain('namespace batch { const BidlBatch passes = {}; }');
});

test.each<[string, Parameters<typeof defineNeuron>[0]['step']]>([
  ['norm more than once', (o, x, { v }) => ({ out: o.norm(o.norm(x)), state: { v: v as typeof x } })],
  [
    'perturb more than once',
    (o, x, { v }) => ({ out: o.perturb(o.perturb(x)), state: { v: v as typeof x } }),
  ],
  [
    'perturb on something else than the result of norm',
    (o, x, { v }) => ({ out: o.perturb(o.tanh(o.norm(x))), state: { v: v as typeof x } }),
  ],
  ['gives no next "v"', (o, x) => ({ out: o.tanh(x), state: {} as { v: typeof x } })],
])('refused: %s', (reason, step) => {
  const neuron = defineNeuron({ name: 'odd', state: { v: 0 }, params: {}, step });
  expect(() => emitKernel(neuron, rectangle())).toThrow(NotFusableError);
  expect(() => emitKernel(neuron, rectangle())).toThrow(reason);
});
