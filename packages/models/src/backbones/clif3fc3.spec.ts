import { startEngine, tf } from '@bidl/engine';
import { namedWeights, stepper } from '@bidl/neurons';
import { expectClose } from '@bidl/testing';
import { backbones } from './backbone.js';
import './clif3fc3.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

describe('arguments', () => {
  const build = (args: object, inputShape = [10, 32, 32, 2]) =>
    backbones.build({ type: 'SeqClif3Fc3DmItout', ...args }, { inputShape, seed: 1 }, 'model.backbone');
  test("upstream's two spellings mean the same", () => {
    const names = (args: object) => namedWeights(build(args)).map((w) => [w.name, w.variable.shape]);
    expect(names({ c0: 2, h0: 32, w0: 32 })).toEqual(names({ input_channels: 2, h: 32, w: 32 }));
  });
  test('weights and layers are named by place, also on a second build', () => {
    build({});
    const model = build({});
    expect(
      namedWeights(model)
        .slice(0, 4)
        .map((w) => w.name),
    ).toEqual(['clif1/kernel', 'clif1/bias', 'clif1/norm/gamma', 'clif1/norm/beta']);
    expect(model.layers.map((layer) => layer.name)).toEqual([
      'input',
      'clif1',
      'mp1',
      'clif2',
      'mp2',
      'clif3',
      'mp3',
      'flat',
      'head/0',
      'head/2',
      'head/4',
      'aggregate',
    ]);
  });
  test('the same seed gives the same weights', () => {
    const start = (seed: number) => {
      const model = backbones.build({ type: 'SeqClif3Fc3DmItout' }, { inputShape: [2, 16, 16, 1], seed });
      return namedWeights(model).map((w) => Array.from(w.variable.dataSync().slice(0, 5)));
    };
    expect(start(3)).toEqual(start(3));
    expect(start(4)).not.toEqual(start(3));
  });
  test('learn: true trains decay and threshold', () => {
    const names = namedWeights(build({ soma_params: { learn: true } }))
      .filter((w) => w.trainable)
      .map((w) => w.name);
    expect(names).toEqual(expect.arrayContaining(['clif1/alpha', 'clif3/theta']));
  });
  test('amode sum and pick', () => {
    for (const amode of ['sum', 'pick']) {
      const model = build({ amode });
      expect((model.apply(tf.zeros([2, 10, 32, 32, 2])) as tf.Tensor).shape).toEqual([2, 10]);
    }
  });
  test('amode none leaves the logits of every step', () => {
    const model = build({ amode: 'none' });
    expect((model.apply(tf.zeros([2, 10, 32, 32, 2])) as tf.Tensor).shape).toEqual([2, 10, 10]);
  });
  test('samples that pooling would leave nothing of are refused', () => {
    expect(() => build({}, [10, 32, 7, 2])).toThrow(
      'model.backbone.w is 7: 3 poolings leave nothing of it; use samples of 8 or more',
    );
  });
  test.each<[object, string]>([
    [{ h: 40 }, 'model.backbone.h is 40, but the samples have 32; set it to 32'],
    [
      { c0: 2, input_channels: 3 },
      'model.backbone.input_channels is 3 and model.backbone.c0 is 2: they mean the same',
    ],
    [{ cmode: 'spikes' }, 'model.backbone.cmode'],
    [{ soma_params: 'layer_share' }, 'model.backbone.soma_params'],
    [{ timestep: 0 }, 'model.backbone.timestep'],
    [{ timesteps: 20 }, 'Did you mean "timestep"?'],
    [{ neuron: 'PLIFF' }, 'model.backbone.neuron is "PLIFF", which is no neuron. Did you mean "PLIF"?'],
    [{ neuron: { type: 'PLIF', rest: 'subtract' } }, 'neuron.rest is unknown; PLIF has reset'],
    [
      { neuron: 'PLIF', cmode: 'analog' },
      'model.backbone.cmode belongs to neuron "lif" or "lifplus", not "PLIF"',
    ],
    [
      { neuron: { type: 'lif', reset: 'subtract' } },
      'model.backbone.neuron.reset belongs to neuron of another name, not "lif"',
    ],
    [{ neuron: 'ALIF', soma_params: { theta1: 1 } }, 'theta1'],
    [{ spike_func: 'Arctan' }, 'Did you mean "ArcTan"?'],
  ])('%j is refused', (args, message) => {
    expect(() => build(args)).toThrow(message);
  });
});

test('sequence = stepper over batch sizes, also 1 and a last partial batch', () => {
  const model = backbones.build(
    { type: 'SeqClif3Fc3DmItout', cmode: 'analog', timestep: 5 },
    { inputShape: [5, 16, 16, 2], seed: 3 },
  );
  const { initialState, step } = stepper(model);
  for (const batch of [1, 4, 3]) {
    tf.tidy(() => {
      const x = tf.randomUniform([batch, 5, 16, 16, 2], 0, 3, 'float32', batch).floor();
      let state = initialState(batch);
      let out: tf.Tensor | undefined;
      for (const frame of tf.unstack(x, 1)) ({ out, state } = step(frame, state));
      expectClose(out!.dataSync(), (model.apply(x) as tf.Tensor).dataSync(), 1e-5, `batch ${batch}`);
    });
  }
  model.dispose();
});
