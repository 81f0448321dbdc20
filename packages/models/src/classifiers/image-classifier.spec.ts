import { startEngine, tf } from '@bidl/engine';
import { buildClassifier } from '../build-classifier.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const inputShape = [4, 16, 16, 2];
const model = (rest: object = {}) => ({
  type: 'ImageClassifier',
  backbone: { type: 'SeqClif3Fc3DmItout', timestep: 4, nclass: 10, cmode: 'spike' },
  neck: null,
  head: {
    type: 'ClsHead',
    loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1, loss_weight: 1 },
    topk: [1, 5],
    cal_acc: true,
  },
  ...rest,
});
const batch = (n: number) => tf.randomUniform([n, 4, 16, 16, 2], 0, 3, 'float32', 9).floor();

test("the seed's config gives logits, loss and accuracy", () => {
  const classifier = buildClassifier(model(), { inputShape, seed: 1 });
  const logits = classifier.forward(batch(3));
  expect(logits.shape).toEqual([3, 10]);
  expect(classifier.nclass).toBe(10);
  expect(classifier.loss(logits, Int32Array.of(0, 1, 2)).shape).toEqual([]);
  const predicted = Array.from(logits.argMax(1).dataSync());
  expect(classifier.accuracy(logits, predicted)).toEqual({ top1: 3, top5: 3 });
  expect(classifier.head).toMatchObject({ topk: [1, 5], calAcc: true });
});

test('takes bytes as well as floats', () => {
  const classifier = buildClassifier(model(), { inputShape, seed: 1 });
  const x = batch(2);
  expect(classifier.forward(x.toInt()).dataSync()).toEqual(classifier.forward(x).dataSync());
});

test('training lowers the loss, and leaves no tensors behind', () => {
  const classifier = buildClassifier(model(), { inputShape, seed: 1 });
  const optimizer = tf.train.sgd(0.1);
  const [x, labels] = [batch(4), Int32Array.of(0, 1, 2, 3)];
  const variables = classifier
    .weights()
    .filter((w) => w.trainable)
    .map((w) => w.variable);
  const step = () => {
    const cost = optimizer.minimize(
      () => classifier.loss(classifier.forward(x, true), labels),
      true,
      variables,
    )!;
    const value = cost.dataSync()[0]!;
    cost.dispose();
    return value;
  };
  const first = step();
  const before = tf.memory().numTensors;
  let last = first;
  for (let i = 0; i < 12; i++) last = step();
  expect(tf.memory().numTensors).toBe(before);
  expect(last).toBeLessThan(first);
  expect(classifier.iteration).toBe(13);
});

test('dispose frees every weight', () => {
  const before = tf.memory().numTensors;
  buildClassifier(model(), { inputShape, seed: 1 }).dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('evaluation leaves the running statistics alone, training advances them', () => {
  const classifier = buildClassifier(model(), { inputShape, seed: 1 });
  const mean = () =>
    Array.from(
      classifier
        .weights()
        .find((w) => w.name === 'clif1/norm/mean')!
        .variable.dataSync(),
    );
  const start = mean();
  classifier.forward(batch(2));
  expect(mean()).toEqual(start);
  classifier.forward(batch(2), true);
  expect(mean()).not.toEqual(start);
});

describe('errors', () => {
  const build = (config: object) => buildClassifier(config, { inputShape, seed: 1 });
  test.each<[string, () => unknown, string]>([
    [
      'type',
      () => build(model({ type: 'ImageClasifier' })),
      'model.type "ImageClasifier" is unknown. Did you mean "ImageClassifier"?',
    ],
    [
      'backbone',
      () => build(model({ backbone: { type: 'SeqClif3Fc3DmItOut' } })),
      'model.backbone.type "SeqClif3Fc3DmItOut" is unknown. Did you mean "SeqClif3Fc3DmItout"?',
    ],
    ['key', () => build(model({ heads: {} })), 'Did you mean "head"?'],
    [
      'loss',
      () => build(model({ head: { type: 'ClsHead', loss: { type: 'CrossEntropy' } } })),
      'model.head.loss.type "CrossEntropy" is unknown. Did you mean "CrossEntropyLoss"?',
    ],
    [
      'input',
      () => build(model()).forward(tf.zeros([2, 4, 2, 16, 16])),
      'SeqClif3Fc3DmItout takes [B, 4, 16, 16, 2], got [2, 4, 2, 16, 16]; channels come last',
    ],
    [
      'label',
      () => build(model()).loss(tf.zeros([2, 10]), [3, 10]),
      'label 10 of sample 1 is out of range: the network has 10 classes',
    ],
    [
      'reduction',
      () =>
        build(
          model({ head: { type: 'ClsHead', loss: { type: 'CrossEntropyLoss', reduction: 'none' } } }),
        ).loss(tf.zeros([2, 10]), [0, 1]),
      'model.head.loss.reduction "none" gives a loss per sample',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
