// SeqClif3Fc3Dm, T 20, 2x40x40, one sample at a time: frames a second of the simulated device, through ApuRun, and of
// onnxruntime's step model. The network is trained first, on event-digits (`bidl datasets make event-digits`), for
// half a minute: what is timed is the activity that trained weights have on real events. The chip does 2,309.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileApu, compileOnnxGraph, stepModel } from '@bidl/compile';
import { createLoader } from '@bidl/datasets';
import { startEngine, tf } from '@bidl/engine';
import { createExecutor, runSequence } from '@bidl/graph';
import { buildClassifier } from '@bidl/models';
import { ApuRun, openSimulator } from '@bidl/sdk-runtime';

const [T, H, W, C] = [20, 40, 40, 2];
const FRAME = H * W * C;
const RUNS = 25; // samples of one timing
const ITERATIONS = Number(process.env.BIDL_STREAM_ITERATIONS ?? 100);

const dataset = (split) => ({
  type: 'NMNIST',
  data_prefix: `data/event-digits/${split}`,
  pipeline: [
    { type: 'LoadEvents' },
    { type: 'EventsToFrames', T, split_by: 'number', height: 34, width: 34 },
    { type: 'RandomCropVideo', size: H, padding: (H - 34) / 2 },
    { type: 'ToTensor', keys: ['gt_label'] },
    { type: 'Collect', keys: ['img', 'gt_label'] },
  ],
});

async function train(classifier) {
  const loader = await createLoader({
    dataset: dataset('Train'),
    batchSize: 16,
    workers: 1,
    shuffle: true,
    seed: 1,
  });
  const variables = classifier
    .weights()
    .filter((w) => w.trainable)
    .map((w) => w.variable);
  const optimizer = tf.train.adam(0.001);
  const tops = [];
  let done = 0;
  for await (const { img, gt_label, release } of loader.epoch(0)) {
    tf.tidy(() => {
      const x = tf.tensor(Float32Array.from(img.data), img.shape);
      const { value, grads } = tf.variableGrads(() => {
        const logits = classifier.forward(x, true);
        tops.push(classifier.accuracy(logits, Array.from(gt_label)).top1 / gt_label.length);
        return classifier.loss(logits, Array.from(gt_label));
      }, variables);
      optimizer.applyGradients(grads);
      value.dataSync();
    });
    release();
    if (++done === ITERATIONS) break;
  }
  await loader.close();
  return tops.slice(-20).reduce((a, b) => a + b, 0) / Math.min(20, tops.length);
}

async function realSample() {
  const loader = await createLoader({
    dataset: dataset('Test'),
    batchSize: 1,
    workers: 0,
    shuffle: false,
    seed: 1,
  });
  for await (const batch of loader.epoch(0)) {
    const img = Uint8Array.from(batch.img.data);
    batch.release();
    await loader.close();
    return img;
  }
}

/** Share of values that are not zero, per layer, as a synapse sees them. */
function activity(graph, frames) {
  const taps = graph.nodes.filter(({ op }) => op === 'maxPool').map(({ id }) => id);
  const seen = runSequence(
    createExecutor(graph),
    frames.map((frame) => [frame]),
    1,
    taps,
  ).taps;
  const share = (arrays) => {
    const all = arrays.flatMap((array) => [...array]);
    return `${((100 * all.filter((x) => x !== 0).length) / all.length).toFixed(1)}%`;
  };
  return [share(frames), ...taps.map((id) => share(seen.map((step) => step.get(id))))];
}

async function onnxForm(graph, frames) {
  const ort = await import('onnxruntime-node').catch(() => undefined);
  if (!ort) return [];
  const session = await ort.InferenceSession.create(stepModel(graph));
  const tensor = (name, data, shape) => [name, new ort.Tensor('float32', data, shape)];
  const images = frames.map((frame) => {
    const image = new Float32Array(FRAME);
    for (let i = 0; i < FRAME; i++) image[(i % C) * H * W + Math.floor(i / C)] = frame[i];
    return image;
  });
  const first = () =>
    graph.states.map(({ key, shape, initial }) => {
      const dims = shape.length === 3 ? [shape[2], shape[0], shape[1]] : shape;
      return tensor(`state/${key}`, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(initial), [
        1,
        ...dims,
      ]);
    });
  const run = async () => {
    let states = Object.fromEntries(first());
    for (const image of images) {
      const out = await session.run({
        ...Object.fromEntries([tensor(graph.inputs[0].name, image, [1, C, H, W])]),
        ...states,
      });
      states = Object.fromEntries(graph.states.map(({ key }) => [`state/${key}`, out[`next/${key}`]]));
    }
  };
  return [
    {
      form: 'onnxruntime',
      run: async () => {
        for (let i = 0; i < RUNS; i++) await run();
      },
    },
  ];
}

export async function cases() {
  await startEngine({ backend: 'tensorflow' });
  const classifier = buildClassifier(
    {
      type: 'ImageClassifier',
      backbone: {
        type: 'SeqClif3Fc3DmItout',
        timestep: T,
        input_channels: C,
        h: H,
        w: W,
        nclass: 10,
        cmode: 'spike',
      },
      head: { type: 'ClsHead', loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1 } },
    },
    { inputShape: [T, H, W, C], seed: 1 },
  );
  console.error(`stream: training for ${ITERATIONS} iterations`);
  const top1 = await train(classifier);
  const img = await realSample();
  const frames = Array.from({ length: T }, (_, t) => img.slice(t * FRAME, (t + 1) * FRAME));

  const scratch = mkdtempSync(path.join(tmpdir(), 'bidl-stream-'));
  const hash = '0'.repeat(64);
  const source = {
    model: classifier.backbone,
    config: { name: 'clif3fc3dm_itout-b16x1-dvsmnist', hash },
    checkpoint: { hash },
    samples: [frames.map((frame) => [frame])],
  };
  const { folder, graph } = await compileApu(
    source,
    { inputType: 'uint8', timesteps: T },
    path.join(scratch, 'apu'),
  );
  console.error(
    `stream: accuracy of the last 20 batches ${(100 * top1).toFixed(0)}%; activity (input, behind each layer) ${activity(graph, frames).join(' ')}`,
  );

  const driver = await openSimulator();
  const run = new ApuRun(0, path.join(folder, 'Net_0'), T, { driver });
  rmSync(scratch, { recursive: true, force: true });
  const sample = { dtype: 'uint8', shape: [T, H, W, C], data: img };
  const apu = {
    form: 'ApuRun',
    run: async () => {
      for (let i = 0; i < RUNS; i++) await run.run(sample);
      await run.getOutput();
    },
  };
  const onnx = await onnxForm(compileOnnxGraph(classifier.backbone, { timesteps: T }).graph, frames);
  return [{ name: 'stream', mode: 'spike', frames: RUNS * T, against: 'onnxruntime', forms: [apu, ...onnx] }];
}
