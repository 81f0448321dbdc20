// Frames a second of a trained network on the simulated device: SeqClif3Fc3DmItout, 2x40x40, T 20, one sample at a time
// through ApuRun, beside onnxruntime's step model and PyTorch eager, which get the same weights, samples and threads. The
// chip does 2,309. What is computed is compared first: ours with both, every step. ApuRun gets whole samples; what frames
// take that come one by one, each waited for, is the line of ApuRunSingle.
//
// What the time goes into (two cores, AVX2, `quickstart`): 44 % into sums over spikes, behind which are the second and third
// convolution and the first dense layer; 14 % into finding out which sums of weights these need; 9 % into neurons and
// pooling; 8 % into the first convolution; 7 % into lists of what is not zero; 5 % into waiting for the other thread; 4 %
// into JavaScript. A layer runs through all steps of a sample before the next begins: its weights (6.5 MB of the first dense
// layer) are fetched once for 20 steps, and membranes stay in the cache. With few spikes (`quickstart`) time goes with
// their number, with many (`upstream`) with the number of fours, for the sum of four spikes is looked up.
import { createLoader } from '@bidl/datasets';
import { compileApu, compileOnnxGraph } from '@bidl/compile';
import { startEngine } from '@bidl/engine';
import { createExecutor, runSequence } from '@bidl/graph';
import { ApuRun, ApuRunSingle, openSimulator } from '@bidl/sdk-runtime';
import { compare } from './lib/compare.mjs';
import { SIZE, STEPS } from './lib/dataset.mjs';
import { relativeDistance } from './lib/distance.mjs';
import { BATCH, storedBatch } from './lib/network-cases.mjs';
import { snapshot } from './lib/network.mjs';
import { onnxStream } from './lib/onnx-stream.mjs';
import { openPeers } from './lib/peers.mjs';
import { scratchFile } from './lib/scratch.mjs';
import { networks } from './lib/stream-networks.mjs';
import { saveFile, writeSafetensors } from '@bidl/formats';

const SHAPE = [STEPS, SIZE, SIZE, 2];
const FRAME = SIZE * SIZE * 2;
const TOP1_SAMPLES = 500;
const WATCHED = 2; // samples whose activity is counted

/** @param options.peers beside onnxruntime; by default PyTorch eager */
export async function* cases({ peers: wanted, modes = Object.keys(networks) }) {
  await startEngine({ backend: 'tensorflow' });
  const peers = await openPeers(
    ['upstream-eager', 'upstream-compiled'],
    wanted.length > 0 ? wanted : ['upstream-eager'],
  );
  const driver = await openSimulator();
  try {
    for (const mode of modes) yield await streamCase(mode, driver, peers);
  } finally {
    driver.close();
    for (const peer of peers) peer.close();
  }
}

async function streamCase(mode, driver, peers) {
  const { classifier, test, soma, made } = await networks[mode]();
  const { img } = storedBatch();
  const samples = Array.from({ length: img.shape[0] }, (_, i) => ({
    dtype: 'uint8',
    shape: SHAPE,
    data: img.data.slice(i * STEPS * FRAME, (i + 1) * STEPS * FRAME),
  }));
  const framesOf = ({ data }) =>
    Array.from({ length: STEPS }, (_, t) => data.slice(t * FRAME, (t + 1) * FRAME));

  const { folder, graph } = await compile(classifier, mode, framesOf(samples[0]));
  const run = new ApuRun(0, folder, STEPS, { driver });
  const stream = async (all) => {
    for (const sample of all) await run.run(sample);
    return run.getOutput();
  };
  const single = new ApuRunSingle(0, folder, STEPS, { driver });
  const stepByStep = async () => {
    for (const frame of samples.flatMap(framesOf)) {
      await single.step({ dtype: 'uint8', shape: [1, ...SHAPE.slice(1)], data: frame });
    }
  };
  console.error(`stream, ${mode}: weights of ${made}`);
  console.error(`  top-1 of ${TOP1_SAMPLES} test samples: ${(await top1(test, stream)).toFixed(1)} %`);
  const shares = activity(graph, samples.slice(0, WATCHED).map(framesOf));
  console.error(`  not zero in what clif1, clif2, clif3 and the head get: ${shares.join(', ')}`);

  const ours = joined((await stream(samples)).map(([logits]) => logits.data));
  const onnx = await onnxStream(
    compileOnnxGraph(classifier.backbone, { timesteps: STEPS }).graph,
    samples.map(framesOf),
  );
  const weights = scratchFile(`${mode}.safetensors`);
  await saveFile(weights, writeSafetensors(snapshot(classifier)));
  for (const peer of peers) {
    await peer.ask({ do: 'prepare', case: 'stream', weights, batch: BATCH, ...soma });
    const saved = scratchFile(`${peer.name}-stream.safetensors`);
    await peer.ask({ do: 'results', file: saved });
    const { found } = compare(new Map([['stream/logits', ours]]), saved, peer.name);
    console.error(`  ${peer.name}: as ours; apart by ${found['stream/logits'].toExponential(1)}`);
  }
  console.error(`  onnxruntime: apart by ${relativeDistance(ours, await onnx()).toExponential(1)}`);
  return {
    name: 'stream',
    mode,
    frames: samples.length * STEPS,
    forms: [{ form: 'ApuRun', run: () => stream(samples) }],
    peers: [
      { form: 'onnxruntime', run: onnx },
      ...peers.map((peer) => peer.form('stream')),
      { form: 'ApuRunSingle', run: stepByStep },
    ],
  };
}

async function compile(classifier, mode, sample) {
  const hash = '0'.repeat(64);
  const source = {
    model: classifier.backbone,
    config: { name: 'clif3fc3dm_itout-b16x2-20-nmnist', hash },
    checkpoint: { hash },
    samples: [sample.map((frame) => [frame])],
  };
  const out = scratchFile(`apu-${mode}`);
  const { folder, graph } = await compileApu(
    source,
    { inputType: 'uint8', timesteps: STEPS, multinet: true },
    out,
  );
  return { folder: `${folder}/Net_0`, graph };
}

/** Share of test samples that the device gets right, in percent. */
async function top1(test, stream) {
  const loader = await createLoader({ dataset: test, batchSize: 1, workers: 0, shuffle: true, seed: 1 });
  const labels = [];
  const samples = [];
  for await (const { img, gt_label, release } of loader.epoch(0)) {
    labels.push(gt_label[0]);
    samples.push({ dtype: 'uint8', shape: SHAPE, data: Uint8Array.from(img.data) });
    release();
    if (labels.length === TOP1_SAMPLES) break;
  }
  await loader.close();
  const outputs = await stream(samples);
  const right = outputs.filter(([logits], i) => {
    const last = logits.data.slice(-10);
    return last.indexOf(Math.max(...last)) === labels[i];
  });
  return (100 * right.length) / labels.length;
}

/** Share of values that are not zero: the input, and behind each pooling. */
function activity(graph, samples) {
  const taps = graph.nodes.filter(({ op }) => op === 'maxPool').map(({ id }) => id);
  const executor = createExecutor(graph);
  const seen = samples.map((frames) =>
    runSequence(
      executor,
      frames.map((frame) => [frame]),
      1,
      taps,
    ),
  );
  const share = (arrays) => {
    const all = joined(arrays);
    return `${((100 * all.filter((x) => x !== 0).length) / all.length).toFixed(1)} %`;
  };
  const behind = taps.map((id) => share(seen.flatMap((run) => run.taps.map((step) => step.get(id)))));
  return [share(samples.flat()), ...behind];
}

const joined = (arrays) => Float32Array.from(arrays.flatMap((array) => [...array]));
