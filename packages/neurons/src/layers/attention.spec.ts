import { startEngine, tf } from '@bidl/engine';
import {
  channelsLast,
  expectClose,
  golden,
  goldenCases,
  oiToIo,
  transpose,
  type Golden,
} from '@bidl/testing';
import { TCJA, TemporalWiseAttention } from './attention.js';
import { AvgPoolTimeVideo, MaxPoolTimeVideo } from './time-pooling.js';

type Array = ReturnType<Golden['get']>;
interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const tensor = ({ data, shape }: Array): tf.Tensor => tf.tensor(data as Float32Array, [...shape], 'float32');

describe('attention against upstream', () => {
  /**
   * Upstream reads `[B·T, C, H, W]` with the sample as the slow index. TCJA then multiplies with scores whose slow index
   * is the step: with more than one sample it mixes them. `mixed` is that order; our layer never has it.
   */
  function scaled(layer: TCJA | TemporalWiseAttention, x: tf.Tensor): tf.Tensor {
    if (layer instanceof TemporalWiseAttention || x.shape[0] === 1) return layer.apply(x) as tf.Tensor;
    const mixed = tf.transpose(layer.scores(x), [1, 0, 2]);
    const [batch = 1, steps = 1] = x.shape;
    return x.mul(mixed.reshape([batch, steps, 1, 1, mixed.shape[2]!]));
  }

  test.each(goldenCases('attention', /^(tcja|twa)/))('%s', (name) => {
    const data = golden('attention', name);
    const ctor = data.json.ctor as { T: number; channel: number };
    const tolerance = data.json.tolerance as Tolerance;
    const layer = name.startsWith('tcja')
      ? new TCJA({ ...ctor, name: 'a' })
      : new TemporalWiseAttention({ ...ctor, name: 'a' });
    const sequence = (key: string) => {
      const ours = channelsLast(data.get(key));
      const [folded = 1, ...rest] = ours.shape;
      return tensor(ours).reshape([folded / ctor.T, ctor.T, ...rest]);
    };
    tf.tidy(() => {
      const x = sequence('x');
      layer.apply(x);
      const ours = (key: string) => {
        const array = data.get(key);
        return tensor(array.shape.length === 3 ? transpose(array, [2, 1, 0]) : oiToIo(array));
      };
      const upstream = layer.weights.map((w) =>
        w.originalName.replace('a/', '').replace('/kernel', '.weight').replaceAll('/', '.'),
      );
      layer.weights.forEach((w, i) => w.write(ours(`param/${upstream[i]!}`)));
      const variables = layer.weights.map((w) => w.read());
      let y: tf.Tensor | undefined;
      const [dx, ...grads] = tf.grads((input: tf.Tensor) => {
        y = tf.keep(scaled(layer, input));
        return y.mul(sequence('w')).sum();
      })([x, ...variables]);
      expectClose(y!.dataSync(), sequence('y').dataSync(), tolerance, 'y');
      expectClose(dx!.dataSync(), sequence('grad/x').dataSync(), tolerance, 'grad/x');
      grads.forEach((grad, i) => {
        const key = `grad/${upstream[i]!}`;
        expectClose(grad.dataSync(), ours(key).dataSync(), tolerance, key);
      });
      y!.dispose();
    });
    layer.dispose();
  });

  test('samples do not mix: each alone gives what it gives in a batch', () => {
    const x = tf.randomNormal([3, 4, 5, 5, 6], 0, 1, 'float32', 2);
    for (const layer of [new TCJA({ T: 4, channel: 6 }), new TemporalWiseAttention({ T: 4 })]) {
      const whole = tf.unstack(layer.apply(x) as tf.Tensor);
      whole.forEach((y, b) => {
        const alone = layer.apply(x.slice([b], [1])) as tf.Tensor;
        expectClose(alone.dataSync(), y.dataSync(), 1e-6);
      });
    }
  });
});

describe('pooling over time', () => {
  test.each(goldenCases('attention', /PoolTimeVideo/))('%s', (name) => {
    const data = golden('attention', name);
    const down = Number(/_k(\d+)/.exec(name)?.[1]);
    const layer = name.startsWith('Avg') ? new AvgPoolTimeVideo({ down }) : new MaxPoolTimeVideo({ down });
    const x = tensor(channelsLast(data.get('x')));
    const want = channelsLast(data.get('y'));
    expect(layer.computeOutputShape(x.shape)).toEqual(want.shape);
    expectClose((layer.apply(x) as tf.Tensor).dataSync(), want.data as Float32Array, 1e-6);
  });

  test('of equal steps the first one takes the gradient', () => {
    const layer = new MaxPoolTimeVideo({ down: 2 });
    const slope = tf.grad((x: tf.Tensor) => layer.apply(x) as tf.Tensor)(tf.ones([1, 4, 1, 1, 1]));
    expect(Array.from(slope.dataSync())).toEqual([1, 0, 1, 0]);
  });
});

test("survive tfjs's own saving and loading", async () => {
  const input = tf.input({ shape: [4, 5, 5, 6] });
  const layers = [
    new TCJA({ T: 4, channel: 6, kernel_size_t: 5, name: 'tcja' }),
    new TemporalWiseAttention({ T: 4, reduction: 4, name: 'twa' }),
    new MaxPoolTimeVideo({ down: 2, name: 'down' }),
    new AvgPoolTimeVideo({ down: 2, name: 'mean' }),
  ];
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output });
  const topology = JSON.parse(model.toJSON(null, true) as string) as object;
  const loaded = await tf.models.modelFromJSON({ modelTopology: topology } as never);
  loaded.setWeights(model.getWeights());
  const x = tf.randomNormal([2, 4, 5, 5, 6], 0, 1, 'float32', 1);
  expect((loaded.apply(x) as tf.Tensor).dataSync()).toEqual((model.apply(x) as tf.Tensor).dataSync());
});

describe('errors', () => {
  const x = () => tf.zeros([1, 4, 3, 3, 6]);
  test.each<[string, () => unknown, string]>([
    [
      'steps',
      () => new TCJA({ T: 5, channel: 6, name: 'a' }).apply(x()),
      'layer "a": is made for 5 steps (T), the input has 4',
    ],
    [
      'channels',
      () => new TCJA({ T: 4, channel: 5, name: 'a' }).apply(x()),
      'is made for 5 channels, the input has 6',
    ],
    [
      'kernel',
      () => new TCJA({ T: 4, channel: 6, kernel_size_t: 2 }),
      'kernel_size_t is 2; give an odd number',
    ],
    [
      'reduction',
      () => new TemporalWiseAttention({ T: 4, reduction: 5 }),
      'reduction is 5, more than its 4 steps',
    ],
    [
      'down',
      () => new AvgPoolTimeVideo({ down: 3 }).apply(x()),
      "makes one of every 3 steps, which 4 steps can't be split into",
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
