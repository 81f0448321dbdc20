import { startEngine, tf } from '@bidl/engine';
import { FcLif, Lif, OverTime, Aggregation, RLif } from '@bidl/neurons';
import { expectClose } from '@bidl/testing';
import { buildClassifier } from '../build-classifier.js';
import { ImageClassifier } from '../classifiers/image-classifier.js';
import { ClsHead } from '../heads/cls-head.js';
import { CrossEntropyLoss } from '../losses/cross-entropy.js';
import { FiringRate } from './firing-rate.js';
import { MembraneBounds } from './membrane-bounds.js';
import type { Regulariser } from './regulariser.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const RUN = { training: true, iteration: 0 };
const x = () => tf.randomNormal([3, 5, 4], 0.3, 1, 'float32', 8);

test('FiringRate, worked out: value and gradient', () => {
  const spikes = tf.tensor3d([
    [
      [1, 0],
      [1, 0],
    ],
    [
      [1, 0],
      [0, 1],
    ],
  ]);
  const rate = new FiringRate({ target: 0.5 });
  const layer = new Lif();
  // rates 3/4 and 1/4: ((1/4)² + (1/4)²)/2
  expect(rate.term(layer, spikes, spikes).dataSync()[0]).toBeCloseTo(0.0625, 6);
  // d/ds = 2·(f − target)/(neurons · samples · steps)
  const slope = tf.grad((s: tf.Tensor) => rate.term(layer, s, s))(spikes);
  expectClose(slope.dataSync(), Array.from({ length: 4 }, () => [0.0625, -0.0625]).flat(), 1e-6);
});

test('MembraneBounds of LIF, forwards and backwards by hand', () => {
  const layer = new Lif({ spike_func: 'ArcTan', name: 'lif1' });
  layer.apply(x());
  const [low, high] = [-0.2, 0.1];
  const bounds = new MembraneBounds({ low, high });
  const term = (given: tf.Tensor) => bounds.term(layer, given, given, RUN);
  const excess = (v: number) => Math.max(0, v - high) - Math.max(0, low - v);
  let value = 0;
  const slopes = (x().arraySync() as number[][][]).map((sample) => {
    const us: number[][] = [];
    const vs: number[][] = [];
    sample.forEach((frame, t) => {
      us.push(frame.map((input, c) => input + (vs[t - 1]?.[c] ?? 0)));
      vs.push(us[t]!.map((u) => 0.3 * (u > 0.5 ? 0 : u)));
      value += vs[t]!.reduce((sum, v) => sum + excess(v) ** 2 / 60, 0);
    });
    const dx = sample.map((frame) => frame.map(() => 0));
    for (let t = sample.length - 1; t >= 0; t--) {
      us[t]!.forEach((u, c) => {
        const dv = (2 * excess(vs[t]![c]!)) / 60 + (dx[t + 1]?.[c] ?? 0);
        const surrogate = 1 / (1 + (Math.PI * (u - 0.5)) ** 2);
        dx[t]![c] = dv * 0.3 * ((u > 0.5 ? 0 : 1) - u * surrogate);
      });
    }
    return dx;
  });
  expect(value).toBeGreaterThan(0);
  expectClose(term(x()).dataSync(), [value], 1e-6);
  expectClose(tf.grad(term)(x()).dataSync(), slopes.flat(2), 1e-6);
});

describe('in a classifier', () => {
  const network = (regularize: readonly Regulariser[], recurrent = false) => {
    const input = tf.input({ shape: [5, 4], name: 'input' });
    const layers = [
      new FcLif({ name: 'flif1', hidden_channel: 6, norm_state: false, spike_func: 'ArcTan', seed: 1 }),
      recurrent
        ? new RLif({ name: 'rlif1', hidden_channel: 6, seed: 2 })
        : new FcLif({ name: 'flif2', hidden_channel: 6, mode: 'analog', seed: 2 }),
      new OverTime(tf.layers.dense({ name: 'head', units: 3 })),
      new Aggregation({ name: 'mean' }),
    ];
    const output = layers.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, input);
    const backbone = tf.model({ inputs: input, outputs: output, name: 'net' });
    return new ImageClassifier(backbone, new ClsHead(new CrossEntropyLoss()), regularize);
  };

  test('the penalty is the sum of weight · term over the layers that suit', () => {
    const rate = new FiringRate({ target: 0.3, weight: 0.5 });
    const bounds = new MembraneBounds({ low: 0, high: 0, weight: 2, layers: ['flif1'] });
    const classifier = network([rate, bounds]);
    const layer = classifier.backbone.getLayer('flif1') as FcLif;
    const out = layer.run(x()).out;
    const want = tf.add(rate.term(layer, x(), out).mul(0.5), bounds.term(layer, x(), out, RUN).mul(2));
    const { logits, penalty } = classifier.train(x());
    expectClose(penalty!.dataSync(), want.dataSync(), 1e-6);
    expect(classifier.iteration).toBe(1);
    expect(logits.shape).toEqual([3, 3]);
    const part = classifier.run(x(), { training: true });
    expectClose(part.penalty!.dataSync(), want.dataSync(), 1e-6);
    expect(classifier.run(x()).penalty).toBeUndefined();
  });

  test('a part goes on from the membranes that the part before it left', () => {
    const classifier = network([new MembraneBounds({ low: 0, high: 0, layers: ['flif1'], weight: 1 })]);
    const whole = classifier.run(x(), { training: true }).penalty!;
    const first = classifier.run(x().slice([0, 0], [-1, 2]), { training: true });
    const second = classifier.run(x().slice([0, 2], [-1, 3]), { training: true, initial_state: first.state });
    const mean = first.penalty!.mul(2 / 5).add(second.penalty!.mul(3 / 5));
    expectClose(mean.dataSync(), whole.dataSync(), 1e-6);
  });

  test('training with it brings the rate to its target, and leaves no tensors behind', () => {
    const classifier = network([new FiringRate({ target: 0.25, weight: 100 })]);
    const layer = classifier.backbone.getLayer('flif1') as FcLif;
    const rates = () => layer.run(x()).out.mean([0, 1]).sub(0.25).abs().mean().dataSync()[0]!;
    const optimizer = tf.train.adam(0.02);
    const labels = Int32Array.of(0, 1, 2);
    const step = () => {
      const cost = optimizer.minimize(() => {
        const { logits, penalty } = classifier.train(x());
        return classifier.loss(logits, labels).add(penalty!);
      }, true)!;
      cost.dispose();
    };
    const before = tf.tidy(rates);
    step();
    const tensors = tf.memory().numTensors;
    for (let i = 0; i < 30; i++) step();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(tf.tidy(rates)).toBeLessThan(0.5 * before);
  });

  test.each<[Regulariser, string]>([
    [
      new FiringRate({ layers: ['flif3'] }),
      'model.regularize[0] (FiringRate) can\'t look at a layer "flif3"',
    ],
    [new FiringRate({ layers: ['flif2'] }), 'of net; it can at flif1'],
  ])('%j is refused', (term, message) => {
    expect(() => network([term])).toThrow(message);
  });

  test('a recurrent layer does not show its membrane', () => {
    const term = new MembraneBounds({ layers: ['rlif1'] });
    expect(() => network([term], true)).toThrow('it can at flif1');
  });

  test('is built from a config, whose mistakes are named', () => {
    const build = (regularize: unknown) =>
      buildClassifier(
        {
          type: 'ImageClassifier',
          backbone: { type: 'SeqClif3Fc3DmItout', timestep: 4, nclass: 10, cmode: 'spike' },
          regularize,
        },
        { inputShape: [4, 16, 16, 2], seed: 1 },
      );
    const classifier = build([{ type: 'FiringRate', target: 0.1, weight: 1e-2 }]);
    const { penalty } = classifier.train(tf.randomUniform([2, 4, 16, 16, 2], 0, 3, 'float32', 9));
    expect(penalty!.dataSync()[0]).toBeGreaterThan(0);
    expect(() => build([{ type: 'FiringRates' }])).toThrow('Did you mean "FiringRate"?');
    expect(() => build([{ type: 'MembraneBounds', low: 1, high: 0 }])).toThrow('low is above high');
  });
});
