import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine, tf } from '@bidl/engine';
import { expectClose, golden, goldenCases, type Golden, type Tolerance } from '@bidl/testing';
import './builtin.js';
import { CrossEntropyLoss } from './cross-entropy.js';
import { LabelSmoothLoss } from './label-smooth.js';
import { LossSum, lossOf } from './loss-sum.js';
import { losses, type Loss, type LossOptions } from './loss.js';
import { TetLoss } from './tet.js';

/** Losses and gradients computed by PyTorch 2.15 (torchvision's focal loss, snnTorch's MSE), in float64. */
const reference = JSON.parse(
  readFileSync(join(__dirname, '../testing/reference-losses.json'), 'utf8'),
) as readonly {
  readonly name: string;
  readonly config: object;
  readonly shape: readonly number[];
  readonly logits: readonly number[];
  readonly labels: readonly number[];
  readonly loss: number;
  readonly gradient: readonly number[];
}[];

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const tensor = ({ data, shape, dtype }: ReturnType<Golden['get']>): tf.Tensor =>
  tf.tensor(Array.from(data as Float32Array), [...shape], dtype === 'int32' ? 'int32' : 'float32');

/** The loss of a golden case; words in its ctor stand for arrays. */
function goldenLoss({ json, arrays }: Golden): { loss: Loss; options: LossOptions } {
  const { class_weight: classWeight, ...ctor } = (json.ctor ?? {}) as Record<string, unknown>;
  delete ctor['num_classes'];
  const weight = arrays.get('weight');
  const type = String(json.class).split('.').at(-1);
  const config = {
    type,
    ...ctor,
    ...(classWeight ? { class_weight: Array.from(weight!.data as Float32Array) } : {}),
  };
  return {
    loss: losses.build(config, undefined, 'loss'),
    options: weight && !classWeight ? { weight: tensor(weight) } : {},
  };
}

describe('against upstream', () => {
  test.each(goldenCases('losses'))('%s', (name) => {
    const data = golden('losses', name);
    const { loss, options } = goldenLoss(data);
    const labels = tensor(data.get('target'));
    const tolerance = data.json.tolerance as Tolerance;
    const compute = (logits: tf.Tensor) => loss.compute(logits, labels, options);
    const logits = tensor(data.get('logits'));
    expectClose(compute(logits).dataSync(), data.get('loss').data as Float32Array, tolerance, 'loss');
    const gradient = tf.grad((x: tf.Tensor) => compute(x).sum())(logits);
    expectClose(gradient.dataSync(), data.get('grad/logits').data as Float32Array, tolerance, 'gradient');
  });
});

describe('losses that upstream lacks, against PyTorch in float64', () => {
  test.each(reference.map((c) => [c.name, c] as const))('%s', (_, { config, ...want }) => {
    const loss = losses.build(config, undefined, 'loss');
    const compute = (x: tf.Tensor) => lossOf(loss, x, want.labels);
    const logits = tf.tensor([...want.logits], [...want.shape]);
    expectClose(compute(logits).dataSync(), [want.loss], 1e-5, 'loss');
    expectClose(tf.grad(compute)(logits).dataSync(), want.gradient, 1e-6, 'gradient');
  });
});

describe('per-step logits', () => {
  const steps = () => tf.randomNormal([2, 4, 3], 0, 1, 'float32', 5);
  test('a loss that judges the whole gets their mean over time', () => {
    const loss = new CrossEntropyLoss();
    const want = loss.compute(tf.mean(steps(), 1), [0, 2]).dataSync();
    expectClose(lossOf(loss, steps(), [0, 2]).dataSync(), want, 1e-6);
  });
  test('terms of both kinds add up', () => {
    const terms = [new TetLoss(), new CrossEntropyLoss({ loss_weight: 0.5 })];
    const want = terms.reduce((sum, term) => sum + lossOf(term, steps(), [0, 2]).dataSync()[0]!, 0);
    expectClose(lossOf(new LossSum(terms), steps(), [0, 2]).dataSync(), [want], 1e-6);
  });
  test('TET takes soft labels too', () => {
    const soft = tf.tensor2d([
      [1, 0, 0],
      [0, 0, 1],
    ]);
    const loss = new TetLoss({ loss: { type: 'CrossEntropyLoss', use_soft: true } });
    expectClose(
      loss.compute(steps(), soft).dataSync(),
      new TetLoss().compute(steps(), [0, 2]).dataSync(),
      1e-6,
    );
  });
});

test('no loss leaves a tensor behind', () => {
  const logits = tf.randomNormal([2, 4, 3]);
  for (const type of losses.types()) {
    const loss = losses.build(
      { type, ...(type === 'LabelSmoothLoss' && { label_smooth_val: 0.1 }) },
      undefined,
    );
    const held = tf.memory().numTensors;
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => lossOf(loss, x, [0, 2]))(logits);
    tf.dispose([value, grad]);
    expect(tf.memory().numTensors).toBe(held);
  }
});

describe('stays finite', () => {
  test.each([1e4, -1e4])('with logits of %d', (size) => {
    const logits = tf.tensor2d([[size, 0, -size]]);
    for (const loss of [
      new CrossEntropyLoss(),
      new CrossEntropyLoss({ use_sigmoid: true }),
      new LabelSmoothLoss({ label_smooth_val: 0.1 }),
    ]) {
      const value = loss.compute(logits, [1]).dataSync()[0]!;
      const gradient = tf
        .grad((x: tf.Tensor) => loss.compute(x, [1]))(logits)
        .dataSync();
      expect([value, ...gradient].every(Number.isFinite)).toBe(true);
    }
  });
  test('binary cross entropy has the exact slope at 0', () => {
    const loss = new CrossEntropyLoss({ use_sigmoid: true });
    const gradient = tf.grad((x: tf.Tensor) => loss.compute(x, [1]))(tf.tensor1d([0]));
    expectClose(gradient.dataSync(), [-0.5], 1e-7);
  });
});

test('LabelSmoothLoss honours reduction and loss_weight', () => {
  const logits = tf.tensor2d([
    [1, 2, 3],
    [3, 1, 0],
  ]);
  const mean = new LabelSmoothLoss({ label_smooth_val: 0.1 }).compute(logits, [0, 1]).dataSync()[0]!;
  const sum = new LabelSmoothLoss({ label_smooth_val: 0.1, reduction: 'sum', loss_weight: 3 });
  expectClose(sum.compute(logits, [0, 1]).dataSync(), [6 * mean], 1e-4);
});

describe('errors', () => {
  const logits = () => tf.zeros([2, 3]);
  test.each<[string, () => unknown, string]>([
    [
      'label too large',
      () => new CrossEntropyLoss().compute(logits(), [0, 3]),
      'label 3 of sample 1 is out of range: the network has 3 classes',
    ],
    [
      'label negative',
      () => new CrossEntropyLoss().compute(logits(), [-1, 0]),
      'label -1 of sample 0 is out of range',
    ],
    [
      'label no index',
      () => new CrossEntropyLoss().compute(logits(), [0.5, 0]),
      'label 0.5 of sample 0 is out of range',
    ],
    ['too few', () => new CrossEntropyLoss().compute(logits(), [0]), '1 labels for 2 samples'],
    [
      'wrong shape',
      () => new CrossEntropyLoss({ use_soft: true }).compute(logits(), tf.zeros([2, 4])),
      'labels have shape [2, 4], logits [2, 3]',
    ],
    [
      'class weights',
      () => new CrossEntropyLoss({ class_weight: [1, 2] }).compute(logits(), [0, 1]),
      '2 class weights, the network 3 classes',
    ],
    [
      'num_classes',
      () => new LabelSmoothLoss({ label_smooth_val: 0.1, num_classes: 10 }).compute(logits(), [0, 1]),
      'num_classes 10, but the network gives 3 logits',
    ],
    [
      'both kinds',
      () =>
        losses.build(
          { type: 'CrossEntropyLoss', use_soft: true, use_sigmoid: true },
          undefined,
          'model.head.loss',
        ),
      'model.head.loss.use_soft',
    ],
    [
      'range',
      () => losses.build({ type: 'LabelSmoothLoss', label_smooth_val: 1.5 }, undefined, 'model.head.loss'),
      'model.head.loss.label_smooth_val',
    ],
    [
      'label in a sequence',
      () => new TetLoss().compute(tf.zeros([2, 4, 3]), [0, 3]),
      'label 3 of sample 1 is out',
    ],
    [
      'a binary label',
      () => losses.build({ type: 'BinaryCrossEntropyLoss' }, undefined).compute(tf.zeros([2, 1]), [0, 2]),
      'label 2 of sample 1 is out of range',
    ],
    [
      'per step',
      () => new TetLoss().compute(logits(), [0, 1]),
      "[B, T, K], got [2, 3]; set aggregate: 'none'",
    ],
    [
      'unknown type',
      () => losses.build({ type: 'LabelSmothLoss' }, undefined, 'model.head.loss'),
      'Did you mean "LabelSmoothLoss"?',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
