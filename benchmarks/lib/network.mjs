// Our side of the network benchmarks: SeqClif3Fc3DmItout with upstream's default neurons (alpha 0.3, beta 0, theta 0.5,
// v_0 0), its trained weights, and what a training step and an inference are.
import { frames, tf, valueAndGradients } from '@bidl/engine';
import { ndarray } from '@bidl/formats';
import { buildClassifier } from '@bidl/models';
import { SIZE, STEPS } from './dataset.mjs';

const CHANNELS = 2;
const CLASSES = 10;

/** The classifier of a mode (`spike`, `analog`), for so many time steps; `type` is that network, or its LIF+ twin. */
export function build(mode, { type = 'SeqClif3Fc3DmItout', soma_params = 'all_share', steps = STEPS } = {}) {
  return buildClassifier(
    {
      type: 'ImageClassifier',
      backbone: {
        type,
        timestep: steps,
        input_channels: CHANNELS,
        h: SIZE,
        w: SIZE,
        nclass: CLASSES,
        cmode: mode,
        soma_params,
      },
      head: { type: 'ClsHead', loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1 } },
    },
    { inputShape: [steps, SIZE, SIZE, CHANNELS], seed: 1 },
  );
}

export const trainable = (classifier) =>
  classifier
    .weights()
    .filter((weight) => weight.trainable)
    .map((weight) => weight.variable);

/** @param weights Map from name to array, as `bidl train` saves them */
export function load(classifier, weights) {
  for (const { name, variable } of classifier.weights()) {
    const value = weights.get(name);
    if (value === undefined) throw new Error(`the weights lack "${name}"`);
    tf.tidy(() => variable.assign(tf.tensor(value.data, variable.shape)));
  }
}

/**
 * Forward and backward of one batch, which starts as bytes; no optimizer, so the weights stay what they are.
 * `use` sees loss, logits and gradients (in the variables' order) before they go.
 */
export function trainStep(
  classifier,
  batch,
  variables,
  { memory = 'full', use = ({ loss }) => loss.dataSync() } = {},
) {
  const x = frames(batch.img.data, batch.img.shape);
  let logits;
  const { value: loss, grads } = valueAndGradients(() => {
    logits = tf.keep(classifier.forward(x, true, { memory }));
    return classifier.loss(logits, batch.labels.data);
  }, variables);
  const result = use({ loss, logits, grads });
  tf.dispose([x, loss, logits, grads]);
  return result;
}

/** Forward in inference mode: logits [B, 10]. */
export function infer(classifier, batch) {
  return tf.tidy(() => classifier.forward(frames(batch.img.data, batch.img.shape), false).dataSync());
}

/** @param task `train-step` or `infer` @param form of the neurons: `fused` or `composed` @returns what can be measured */
export function timed(task, form, classifier, batch) {
  const variables = trainable(classifier);
  const run = {
    'train-step': () => trainStep(classifier, batch, variables),
    infer: () => infer(classifier, batch),
  }[task];
  return {
    form,
    run() {
      for (const layer of classifier.backbone.layers) if ('form' in layer) layer.form = form;
      run();
    },
  };
}

/** What is compared before anything is timed, by the names that the peers use too. */
export function results(classifier, batch, weights) {
  load(classifier, weights);
  const found = new Map([['infer/logits', infer(classifier, batch)]]);
  const named = classifier.weights().filter((weight) => weight.trainable);
  const use = ({ loss, logits, grads }) => {
    found.set('train/loss', loss.dataSync());
    found.set('train/logits', logits.dataSync());
    named.forEach(({ name }, i) => found.set(`grad/${name}`, grads[i].dataSync()));
  };
  trainStep(classifier, batch, trainable(classifier), { use });
  load(classifier, weights); // the step has moved the running statistics
  return found;
}

/** Weights by name, to be saved. */
export const snapshot = (classifier) =>
  new Map(
    classifier
      .weights()
      .map(({ name, variable }) => [name, ndarray(Float32Array.from(variable.dataSync()), variable.shape)]),
  );
