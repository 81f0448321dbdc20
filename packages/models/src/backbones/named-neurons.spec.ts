import { startEngine, tf } from '@bidl/engine';
import { namedWeights, NEURON_NAMES, SpikingLayer } from '@bidl/neurons';
import { backbones } from './backbone.js';
import './builtin.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const small = { low_resolut: true, base_channels: 8, stem_channels: 8, nclass: 4, depth: 10 };
const NETWORKS: [string, number[], object][] = [
  ['SeqClif3Fc3DmItout', [3, 8, 8, 2], {}],
  ['SeqClif3Flif2DgItout', [3, 16, 16, 2], {}],
  ['VGG7_SNN', [2, 64, 64, 2], {}],
  ['ResNetLifItout', [2, 16, 16, 2], small],
];
/** Thresholds that initial weights reach; and a name in other letters. */
const NEURONS = { PLIF: 0.5, alif: 0.05, CubaLIF: 0.1 };
const cases = NETWORKS.flatMap(([type, sample, args]) =>
  Object.entries(NEURONS).map(
    ([neuron, theta]) => [type, neuron, sample, { ...args, soma_params: { theta } }] as const,
  ),
);

test.each(cases)('%s of %s neurons takes a training step', (type, neuron, sample, args) => {
  const model = backbones.build({ type, neuron, ...args }, { inputShape: sample, seed: 1 });
  const spiking = model.layers.filter((layer) => layer instanceof SpikingLayer);
  expect(new Set(spiking.map((layer) => layer.neuron.name.replace('-', '')))).toEqual(
    new Set([neuron.toLowerCase()]),
  );
  const weights = namedWeights(model).filter(({ trainable }) => trainable);
  const moved = tf.tidy(() => {
    const x = tf.randomUniform([6, ...sample], 0, 3, 'float32', 1).floor();
    const variables = weights.map(({ variable }) => variable as tf.Variable);
    const { grads } = tf.variableGrads(() => {
      const logits = model.apply(x, { training: true }) as tf.Tensor;
      return tf.losses
        .softmaxCrossEntropy(tf.oneHot([0, 1, 2, 3, 0, 1], logits.shape[1] ?? 1), logits)
        .asScalar();
    }, variables);
    expect(Object.values(grads).every((grad) => grad.isFinite().all().dataSync()[0] === 1)).toBe(true);
    const size = (name: string) =>
      weights
        .filter((weight) => name === weight.name)
        .map(({ variable }) => grads[(variable as tf.Variable).name]?.abs().max().dataSync()[0] ?? 0)[0];
    return weights.map(({ name }) => [name, size(name)] as const);
  });
  const kernels = moved.filter(([name]) => name.endsWith('/kernel'));
  expect(kernels.filter(([, size]) => !(size! > 0))).toEqual([]);
  model.dispose();
});

test('options of a neuron reach every layer, and so do parameters', () => {
  const model = backbones.build(
    {
      type: 'SeqClif3Fc3DmItout',
      neuron: { type: 'plif', reset: 'subtract' },
      soma_params: { theta: 0.75 },
    },
    { inputShape: [3, 8, 8, 2], seed: 1 },
  );
  const layer = model.getLayer('clif2') as SpikingLayer;
  expect(layer.neuron).toMatchObject({ options: { reset: 'subtract' } });
  expect(layer.params()['theta']?.dataSync()[0]).toBe(0.75);
  model.dispose();
});

test('every neuron with a name can be asked for', () => {
  for (const neuron of NEURON_NAMES) {
    const model = backbones.build(
      { type: 'SeqClif3Fc3DmItout', neuron },
      { inputShape: [2, 8, 8, 2], seed: 1 },
    );
    expect((model.getLayer('clif1') as SpikingLayer).getConfig()['neuron']).toBe(neuron);
    model.dispose();
  }
});
