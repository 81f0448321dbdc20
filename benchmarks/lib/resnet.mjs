// ResNetLifItout of depth 18, B 8, T 8, 2x64x64: the network of `resnet18`.
import { frames, tf } from '@bidl/engine';
import { saveFile, writeSafetensors } from '@bidl/formats';
import { buildClassifier } from '@bidl/models';
import { storedBatch } from './network-cases.mjs';
import { results, snapshot } from './network.mjs';
import { scratchFile } from './scratch.mjs';

const CHANNELS = 2;
export const SIDE = 64;
export const STEPS = 8;
export const SAMPLES = 8;
/** Passes after which a moving average of momentum 0.1 is the average. */
const PASSES = 60;

function build(mode, { steps = STEPS, statistics = 'step' } = {}) {
  return buildClassifier(
    {
      type: 'ImageClassifier',
      backbone: {
        type: 'ResNetLifItout',
        depth: 18,
        timestep: steps,
        input_channels: CHANNELS,
        h: SIDE,
        w: SIDE,
        nclass: 10,
        cmode: mode,
        noise: 0,
        statistics,
      },
      head: { type: 'ClsHead', loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1 } },
    },
    { inputShape: [steps, SIDE, SIDE, CHANNELS], seed: 1 },
  );
}

export const RESNET = {
  peerCase: 'resnet18',
  build,
  /** SpikingJelly's BatchNorm takes its statistics over the whole sequence, and so can ours. */
  spikingjelly: (weights, batch) =>
    results(build('spike', { steps: batch.img.shape[1], statistics: 'sequence' }), batch, weights),
};

/**
 * Initial weights, with the statistics that a batch has: untrained ones leave the deep layers silent in inference.
 *
 * @returns the file (safetensors)
 */
export async function settled(mode, batchFile) {
  const classifier = build(mode);
  const { img } = storedBatch(batchFile);
  const x = frames(img.data, img.shape);
  for (let i = 0; i < PASSES; i++) tf.tidy(() => void classifier.forward(x, true));
  x.dispose();
  const file = scratchFile(`resnet18-${mode}.safetensors`);
  await saveFile(file, writeSafetensors(snapshot(classifier)));
  return file;
}
