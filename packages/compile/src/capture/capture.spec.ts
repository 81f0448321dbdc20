import { startEngine, tf } from '@bidl/engine';
import { Aggregation, FcLif, Lif, OverTime } from '@bidl/neurons';
import { CompileError } from '../finding.js';
import { adaptive } from '../testing/networks.js';
import { smallNetwork } from '../testing/small.js';
import { capture } from './capture.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const network = (shape: (number | null)[], ...layers: tf.layers.Layer[]) => {
  const input = tf.input({ shape, name: 'input' });
  const output = layers.reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: output, name: 'net' });
};

const findings = (make: () => unknown) => {
  try {
    make();
  } catch (error) {
    if (error instanceof CompileError) return error.findings;
    throw error;
  }
  return [];
};

test('names states, weights and values by layer', () => {
  const graph = capture(smallNetwork());
  expect(graph.name).toBe('small');
  expect(graph.timesteps).toBe(3);
  expect(graph.inputs).toEqual([{ name: 'data', type: { shape: [6, 6, 2], dtype: 'float32' } }]);
  expect(graph.states.map(({ key, shape, initial }) => [key, shape, initial])).toEqual([
    ['clif/v', [6, 6, 4], 0],
    ['flif/v', [5], 0],
    ['tempAdd', [5], 0],
  ]);
  expect(Object.keys(graph.weights)).toEqual(
    expect.arrayContaining(['clif/kernel', 'clif/norm/scale', 'clif/alpha', 'clif/v_0', 'flif/bias']),
  );
  expect(graph.nodes.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['clif/conv2d', 'clif/load_v', 'clif/save_v', 'pool/maxPool']),
  );
});

test('the same network gives the same graph', () => {
  expect(capture(smallNetwork())).toEqual(capture(smallNetwork()));
});

test('a neuron that a user defined needs nothing more', () => {
  const graph = capture(network([4, 3], new Lif({ neuron: adaptive, name: 'own' }), new Aggregation()));
  expect(graph.states.map(({ key, initial }) => [key, initial])).toEqual([
    ['own/v', 0],
    ['own/a', 0.1],
    ['tempAdd', 0],
  ]);
  expect(graph.weights['own/theta'].data[0]).toBe(Math.fround(0.4));
});

describe('findings', () => {
  test('every layer without operations, with its name, the rule and a remedy', () => {
    const model = network(
      [4, 8, 8, 2],
      new OverTime(tf.layers.upSampling2d({ name: 'up' })),
      new OverTime(tf.layers.flatten({ name: 'flat' })),
    );
    const [finding, ...more] = findings(() => capture(model));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ layer: 'up', rule: 'supported-layer' });
    expect(finding.what).toContain('UpSampling2D');
    expect(finding.remedy).toContain('MaxPooling2D');
  });
  test('several at once', () => {
    const input = tf.input({ shape: [4, 3], name: 'input' });
    const dense = (name: string, activation: 'softmax' | 'selu') =>
      new OverTime(tf.layers.dense({ name, units: 3, activation })).apply(input) as tf.SymbolicTensor;
    const sum = tf.layers.add().apply([dense('a', 'softmax'), dense('b', 'selu')]) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: sum, name: 'net' });
    expect(findings(() => capture(model)).map(({ layer }) => layer)).toEqual(['a', 'b']);
    expect(() => capture(model)).toThrow('net: 2 findings\n  layer "a" has the activation "softmax"');
  });
  test('a layer over the whole sequence', () => {
    const pool = tf.layers.maxPooling3d({ poolSize: [2, 1, 1], strides: [2, 1, 1], name: 'down_t' });
    expect(() => capture(network([4, 8, 8, 2], pool, new Aggregation()))).toThrow(
      'layer "down_t" (MaxPooling3D) sees the whole sequence at once (rule supported-layer)',
    );
  });
  test('neurons behind the aggregation', () => {
    const model = network(
      [4, 2, 3],
      new Aggregation({ name: 'mean' }),
      new FcLif({ hidden_channel: 2, name: 'late' }),
    );
    expect(() => capture(model)).toThrow('layer "late" comes after the time steps were brought together');
  });
  test('one layer in two places', () => {
    const lif = new Lif({ name: 'twice' });
    expect(() => capture(network([4, 3], lif, lif))).toThrow('layer "twice" is used twice (rule one-state)');
  });
  test('open time steps', () => {
    expect(() => capture(smallNetwork({}, null))).toThrow('capture(model, { timesteps: 20 })');
    expect(capture(smallNetwork({}, null), { timesteps: 7 }).timesteps).toBe(7);
    expect(() => capture(smallNetwork(), { timesteps: 4 })).toThrow('is built for 3 steps, not 4');
  });
  test('a step that samples do not have', () => {
    const model = network([4, 3], new Aggregation({ mode: 'pick', idx: 9, name: 'pick' }));
    expect(() => capture(model)).toThrow('layer "pick" picks step 9 of 4');
  });
});
