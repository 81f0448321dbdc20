import { startEngine, tf } from '@bidl/engine';
import { Aggregation } from './aggregation.js';
import { Conv2dLif } from './conv2d-lif.js';
import { FcLif } from './fc-lif.js';
import { Lif } from './lif.js';
import { OverTime } from './over-time.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

test("a network survives tfjs's own saving and loading", async () => {
  const input = tf.input({ shape: [3, 8, 8, 2], name: 'input' });
  const layers = [
    new Conv2dLif({
      hidden_channel: 4,
      kernel_size: [3, 3],
      padding: 1,
      mode: 'analog',
      memb_mode: [2, null],
      soma_params: { alpha: [0.1, 0.2, 0.3, 0.4], v_0: 0.1 },
      norm_state: false,
      mp: true,
      spike_func: { type: 'FastSigmoid', slope: 7 },
      name: 'clif1',
    }),
    new OverTime(tf.layers.flatten({ name: 'flat' })),
    new FcLif({ hidden_channel: 5, soma_params: 'channel_share', name: 'flif1' }),
    new Lif({ name: 'lif/0', spike_func: 'ArcTan' }),
    new OverTime(tf.layers.dense({ units: 3, name: 'head/0' })),
    new Aggregation({ mode: 'mean', divisor: 7, name: 'aggregate' }),
  ];
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output });

  const topology = JSON.parse(model.toJSON(null, true) as string) as object;
  const loaded = await tf.models.modelFromJSON({ modelTopology: topology } as never);
  loaded.setWeights(model.getWeights());

  const x = tf.randomUniform([2, 3, 8, 8, 2], 0, 2, 'float32', 1);
  expect((loaded.apply(x) as tf.Tensor).dataSync()).toEqual((model.apply(x) as tf.Tensor).dataSync());
  const conv = loaded.getLayer('clif1') as Conv2dLif;
  expect(conv.surrogate).toMatchObject({ name: 'fast_sigmoid', args: { slope: 7 } });
  expect((loaded.getLayer('lif/0') as Lif).surrogate.name).toBe('arctan');
});

test('a surrogate without a name refuses to be saved', () => {
  const { forward, derivative, args } = new Lif().surrogate;
  const layer = new Lif({ spike_func: { name: 'mine', forward, derivative, args }, name: 'lif1' });
  expect(() => layer.getConfig()).toThrow('layer "lif1": has a spike_func of its own ("mine")');
});
