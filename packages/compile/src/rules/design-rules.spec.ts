import { graphBuilder, type StepGraph } from '@bidl/graph';
import { CompileError } from '../finding.js';
import { assertDesign, designFindings } from './design-rules.js';
import { APU, ONNX } from './targets.js';

function integrator(shape: readonly number[], timesteps = 4): StepGraph {
  const b = graphBuilder({ name: 'net', timesteps });
  const x = b.input('data', { shape, dtype: 'float32' });
  const v = b.load({ key: 'sum/v', shape }, { layer: 'sum' });
  const u = b.node('add', [x, v], {}, { layer: 'sum' });
  b.save('sum/v', u, { layer: 'sum' });
  b.output('logits', u);
  return b.build();
}

test.each([1, 2, 4, 7, 14, 28])('batch %i is fine', (batch) => {
  expect(designFindings(integrator([3]), { target: APU, batch })).toEqual([]);
});

test.each([0, 3, 8, 1.5, 29])('batch %d is not', (batch) => {
  expect(() => assertDesign(integrator([3]), { target: APU, batch })).toThrow(
    `net: layer "net" would run ${batch} samples together on apu (rule batch-size); choose one of 1, 2, 4, 7, 14, 28`,
  );
});

test('a target without such a limit takes any whole batch', () => {
  expect(designFindings(integrator([3]), { target: ONNX, batch: 3 })).toEqual([]);
  expect(designFindings(integrator([3]), { target: ONNX, batch: 0 })).toHaveLength(1);
});

test('a state too large is named with its layer and the remedy', () => {
  const target = { ...APU, stateBytes: 100, transferBytes: 10_000 };
  expect(designFindings(integrator([10]), { target, batch: 2 })).toEqual([]);
  const [finding, ...more] = designFindings(integrator([10]), { target, batch: 4 });
  expect(more).toEqual([]);
  expect(finding).toEqual({
    layer: 'sum',
    rule: 'state-size',
    what: 'keeps 0.0001526 MiB in state "sum/v" ([10] x 4, float32); apu has 0.00009537 MiB',
    remedy: 'use a smaller batch, or float16, or a stride or pooling in front',
  });
});

test('states that are to lie on the chip fit there', () => {
  const target = { ...APU, glbBytes: 1000 };
  const graph = integrator([100]);
  expect(designFindings(graph, { target, batch: 2, memory: 'glb' })).toEqual([]);
  expect(designFindings(graph, { target, batch: 4, memory: 'ddr' })).toEqual([]);
  expect(designFindings(graph, { target, batch: 4, memory: 'glb' })).toEqual([
    {
      layer: 'sum',
      rule: 'state-memory',
      what: 'has the largest of 0.001709 MiB of states (batch 4), which mode glb would keep on the chip; apu has 0.0009537 MiB there',
      remedy: 'use mode ddr (--mode 2), or a smaller batch, or float16, or a stride or pooling in front',
    },
  ]);
  expect(designFindings(graph, { target: ONNX, batch: 1, memory: 'glb' })).toHaveLength(1);
});

test('frames of a sample that do not fit into a buffer', () => {
  const target = { ...APU, transferBytes: 200 };
  const rules = designFindings(integrator([10], 6), { target, batch: 1 }).map(({ rule }) => rule);
  expect(rules).toEqual(['transfer-size', 'transfer-size']);
});

test('every finding is in the error', () => {
  const target = { ...APU, stateBytes: 1, axes: 1 };
  try {
    assertDesign(integrator([2, 2]), { target, batch: 3 });
  } catch (error) {
    const { findings } = error as CompileError;
    expect(findings.map(({ rule }) => rule)).toEqual([
      'batch-size',
      'state-size',
      'axis-count',
      'axis-count',
    ]);
    return;
  }
  throw new Error('nothing was thrown');
});
