import { startEngine, tf } from '@bidl/engine';
import { ndarray } from '@bidl/formats';
import { buildClassifier, ClsHead, ImageClassifier, TetLoss } from '@bidl/models';
import { expectClose } from '@bidl/testing';
import { tinyNetwork } from '../testing/tiny.js';
import { EpochBasedRunner } from './epoch-based-runner.js';
import { TruncationError } from './errors.js';
import { ForwardBackward, type Pass } from './forward-backward.js';
import type { Batch } from './loader.js';
import { runners } from './runners.js';

beforeAll(() => startEngine());

const STEPS = 6;
const labels = Int32Array.of(0, 2, 1);
const clips: Batch = {
  img: ndarray(
    Uint8Array.from({ length: 3 * STEPS * 8 * 8 * 2 }, (_, i) => (Math.sin(i * i) > 0.6 ? 2 : 0)),
    [3, STEPS, 8, 8, 2],
  ),
  gt_label: labels,
  release: () => undefined,
};

const network = (alpha: number) =>
  buildClassifier(
    {
      type: 'ImageClassifier',
      backbone: {
        ...{ type: 'SeqClif3Fc3DmItout', timestep: STEPS, nclass: 3, cmode: 'analog' },
        soma_params: { alpha, beta: 0, theta: 0.5, v_0: 0 },
      },
      head: { type: 'ClsHead', loss: { type: 'CrossEntropyLoss' } },
    },
    { inputShape: [STEPS, 8, 8, 2], seed: 4 },
  );

function pass(classifier: ImageClassifier, tbptt?: number) {
  const made = new ForwardBackward(classifier, tbptt).run(clips, labels);
  const gradients = [...made.gradients].map(([name, g]) => [name, g.dataSync()] as const);
  const found = {
    loss: made.loss.dataSync()[0]!,
    logits: made.logits.dataSync(),
    gradients: new Map(gradients),
  };
  dispose(made);
  return found;
}
const dispose = ({ loss, logits, gradients }: Pass) => tf.dispose([loss, logits, ...gradients.values()]);

it('parts as long as the sequence are an ordinary pass', () => {
  const whole = pass(network(0.6));
  for (const tbptt of [STEPS, 100]) {
    const same = pass(network(0.6), tbptt);
    expect(same.loss).toBe(whole.loss);
    expect(same.gradients).toEqual(whole.gradients);
  }
});

it('ends with the answer of the whole sequence, and its running statistics', () => {
  const [whole, parts] = [network(0.6), network(0.6)];
  expectClose(pass(parts, 2).logits, pass(whole).logits, 1e-5);
  const statistics = (c: ImageClassifier) =>
    c.weights().flatMap((w) => (w.trainable ? [] : Array.from(w.variable.dataSync())));
  expectClose(statistics(parts), statistics(whole), 1e-5);
});

it('takes the loss of the answer so far at the end of every part', () => {
  const classifier = network(0.6);
  const { loss } = pass(classifier, 4);
  const x = tf.tensor(Array.from(clips.img.data as Uint8Array), [...clips.img.shape], 'float32');
  const fresh = network(0.6);
  const first = fresh.run(tf.slice(x, [0, 0], [-1, 4]), { training: true });
  const second = fresh.run(tf.slice(x, [0, 4], [-1, 2]), { initial_state: first.state, training: true });
  const [a, b] = [first, second].map(({ logits }) => fresh.loss(logits, labels).dataSync()[0]!);
  expectClose([loss], [(4 * a! + 2 * b!) / 6], 1e-6);
});

/** One that gives the logits of every step; then the parts' losses add up to that of the whole. */
function perStep(alpha: number): ImageClassifier {
  const { backbone } = network(alpha);
  const steps = tf.model({
    inputs: backbone.inputs,
    outputs: backbone.getLayer('aggregate').input as tf.SymbolicTensor,
  });
  return new ImageClassifier(steps, new ClsHead(new TetLoss({ lamb: 0 })));
}

it('cuts nothing where nothing flows through time, and something where it does', () => {
  // without leak or reset to remember by, a network of single steps has the same gradients in parts
  const [whole, parts] = [pass(perStep(0)), pass(perStep(0), 2)];
  expectClose([parts.loss], [whole.loss], 1e-5);
  expectClose(parts.logits, whole.logits, 1e-5);
  for (const [name, gradient] of whole.gradients)
    expectClose(parts.gradients.get(name)!, gradient, { atol: 1e-5, rtol: 1e-3 }, name);

  const name = 'clif1/kernel';
  const [full, cut] = [pass(perStep(0.9)), pass(perStep(0.9), 2)];
  expectClose([cut.loss], [full.loss], 1e-5);
  const apart = full.gradients.get(name)!.map((g, i) => Math.abs(g - cut.gradients.get(name)![i]!));
  expect(Math.max(...apart)).toBeGreaterThan(1e-4);
});

it('gives every part noise of its own, and holds no tensors', () => {
  const classifier = network(0.6);
  classifier.iteration = 5;
  const before = tf.memory().numTensors;
  pass(classifier, 4);
  expect(tf.memory().numTensors).toBe(before);
  expect(classifier.iteration).toBe(5 * 2 + 2);
});

it('is asked for by runner.tbptt, and needs a network that runs in parts', () => {
  const parts = { classifier: tinyNetwork() } as unknown as ConstructorParameters<typeof EpochBasedRunner>[0];
  const build = (tbptt: unknown) => () =>
    runners.build({ type: 'EpochBasedRunner', max_epochs: 1, tbptt }, parts, 'runner');
  expect(build(2)).toThrow(TruncationError);
  expect(build(null)).not.toThrow();
  expect(build(0)).toThrow(/runner\.tbptt must be more than 0/);
});

it('adds the regularisers to the loss, in one pass and in parts', () => {
  const spiking = (regularize: object[]) =>
    buildClassifier(
      {
        type: 'ImageClassifier',
        backbone: { type: 'SeqClif3Fc3DmItout', timestep: STEPS, nclass: 3, cmode: 'spike' },
        regularize,
      },
      { inputShape: [STEPS, 8, 8, 2], seed: 4 },
    );
  const regularize = [{ type: 'FiringRate', target: 0.4, weight: 0.5 }];
  const x = tf.tensor(Array.from(clips.img.data as Uint8Array), [...clips.img.shape], 'float32');
  const [without, withIt] = [pass(spiking([])), pass(spiking(regularize))];
  const { penalty } = spiking(regularize).train(x);
  expect(penalty!.dataSync()[0]).toBeGreaterThan(0);
  expect(withIt.loss - without.loss).toBeCloseTo(penalty!.dataSync()[0]!, 5);
  expect(withIt.gradients.get('clif1/kernel')).not.toEqual(without.gradients.get('clif1/kernel'));

  const fresh = spiking(regularize);
  const first = fresh.run(tf.slice(x, [0, 0], [-1, 4]), { training: true });
  const second = fresh.run(tf.slice(x, [0, 4], [-1, 2]), { initial_state: first.state, training: true });
  const [a, b] = [first, second].map((part) => part.penalty!.dataSync()[0]!);
  const added = pass(spiking(regularize), 4).loss - pass(spiking([]), 4).loss;
  expect(added).toBeCloseTo((4 * a! + 2 * b!) / STEPS, 5);
});
