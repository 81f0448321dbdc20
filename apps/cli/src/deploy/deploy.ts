import {
  apuFolder,
  compileApu,
  compileGraph,
  compileOnnx,
  compileOnnxGraph,
  onnxFolder,
  openComparison,
  readOnnxFolder,
  stateScales,
  type ApuOptions,
  type ForcedComparison,
  type StepEngine,
} from '@bidl/compile';
import type { LoadedConfig } from '@bidl/config';
import { topK, type Loader } from '@bidl/datasets';
import { tf } from '@bidl/engine';
import { matchArtifact, readArtifact, toHalfBits, type ElementType, type StepGraph } from '@bidl/graph';
import { openPlanExecutor, openSimulator } from '@bidl/sdk-runtime';

import { checkSteps, openApu, type StepCheck } from './apu-device.js';
import type { Device } from './device.js';
import { onnxEngine, onnxLatency, openOnnx } from './onnx-device.js';
import { bySteps, fittingType, samplesOf, type TestSample } from './samples.js';
import { openTestSplit, openTrained, type Trained } from './trained.js';

export interface DeployOptions {
  readonly checkpoint: string;
  readonly target: 'apu' | 'onnx';
  /** Use the artifact that is there; it must be of this config and checkpoint. */
  readonly useLegacy: boolean;
  readonly batch: number;
  /** How frames are handed in; left out: bytes where the samples fit into them. */
  readonly inputType?: ElementType;
  readonly storage: 'float32' | 'float16';
  readonly compileOnly: boolean;
  readonly device: number;
  readonly out?: string;
  /** Samples that are compared with the host layer by layer; left out: all. */
  readonly compare?: number;
  readonly signal?: AbortSignal;
  readonly log: (line: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

/** What a deployment found. Numbers that weren't measured are null. */
export interface DeployResult {
  readonly config: string;
  readonly checkpoint: string;
  readonly target: string;
  readonly artifact: string;
  readonly batch: number;
  readonly input_type: ElementType;
  readonly storage: string;
  readonly samples: number;
  readonly top1: number | null;
  readonly fps: number | null;
  /** Of one step, frame in and output out. */
  readonly latency_ms: number | null;
  /** Every output and state of every step equals the reference executor's, to the bit (20 samples). */
  readonly simulator_equal: boolean | null;
  /** Share of the neurons' decisions that differ from the host's, each layer fed with the host's values. */
  readonly host_flip_rate: number | null;
  /** Those of them that weren't within 1e-5 of their threshold. */
  readonly host_flips_unexplained: number | null;
  readonly predictions_differ: number | null;
  /** Largest difference of a logit. */
  readonly max_abs_diff: number | null;
}

/** Samples that go through the device step by step. */
const STEPPED = 20;

/** A compiled network: where it lies, the graph in it, and the graph before any pass. */
export interface Compiled {
  readonly folder: string;
  readonly graph: StepGraph;
  readonly captured: StepGraph;
}

/** Compiles a trained network, and nothing more. */
export async function compileOnly(loaded: LoadedConfig, options: DeployOptions): Promise<Compiled> {
  const loader = await openTestSplit(loaded, 0);
  try {
    const trained = await openTrained(loaded, options.checkpoint, loader.sampleShape, options.log);
    try {
      return await compiledFor(trained, options, await firstSamples(loader, options.batch));
    } finally {
      trained.classifier.dispose();
    }
  } finally {
    await loader.close();
  }
}

/** Compiles a trained network (or takes the artifact that is there) and runs the test set on the target. */
export async function deploy(loaded: LoadedConfig, options: DeployOptions): Promise<DeployResult> {
  const loader = await openTestSplit(loaded);
  try {
    const trained = await openTrained(loaded, options.checkpoint, loader.sampleShape, options.log);
    try {
      const first = await firstSamples(loader, Math.max(options.batch, STEPPED));
      const compiled = await compiledFor(trained, options, first);
      options.log(`artifact: ${compiled.folder}`);
      const facts = {
        config: loaded.name,
        checkpoint: trained.checkpoint.path,
        target: options.target,
        artifact: compiled.folder,
        batch: options.batch,
        input_type: compiled.graph.inputs[0]?.type.dtype ?? 'float32',
        storage: options.storage,
      };
      if (options.compileOnly) return { ...facts, ...NOTHING };
      return { ...facts, ...(await runTestSet(trained, compiled, loader, first, options)) };
    } finally {
      trained.classifier.dispose();
    }
  } finally {
    await loader.close();
  }
}

const NOTHING = {
  samples: 0,
  top1: null,
  fps: null,
  latency_ms: null,
  simulator_equal: null,
  host_flip_rate: null,
  host_flips_unexplained: null,
  predictions_differ: null,
  max_abs_diff: null,
} as const;

async function firstSamples(loader: Loader, count: number): Promise<TestSample[]> {
  const samples: TestSample[] = [];
  for await (const batch of loader.epoch(0)) {
    samples.push(...samplesOf(batch));
    batch.release();
    if (samples.length >= count) break;
  }
  return samples.slice(0, count);
}

/** The artifact: made, or found and matched. */
async function compiledFor(
  trained: Trained,
  options: DeployOptions,
  first: readonly TestSample[],
): Promise<Compiled> {
  const { batch, storage, out, useLegacy } = options;
  const [sample] = first;
  const inputType = options.inputType ?? (sample ? fittingType(sample) : 'float32');
  const how: ApuOptions = { batch, storage, inputType };
  const model = trained.classifier.backbone;
  const origin = { config: trained.config.hash, checkpoint: trained.checkpoint.hash };
  if (options.target === 'onnx') {
    const folder = onnxFolder(trained.config.name, out);
    if (!useLegacy) return compileOnnx({ model, ...trained }, { storage, inputType }, out);
    const { options: made } = readOnnxFolder(folder, origin);
    const kept = made as { inputType: ElementType; storage: 'float32' | 'float16'; foldNorm: boolean };
    return { folder, ...compileOnnxGraph(model, kept) };
  }
  if (!useLegacy) {
    const { timesteps } = compileGraph(model, how).graph;
    const samples = first.slice(0, batch).map((one) => bySteps(one, inputType, timesteps, toHalfBits));
    return compileApu({ model, ...trained, samples }, how, out);
  }
  const folder = apuFolder(trained.config.name, how, out);
  const artifact = readArtifact(folder);
  const { captured } = compileGraph(model, how);
  matchArtifact(artifact, { ...origin, timesteps: captured.timesteps, batch });
  return { folder, graph: artifact.graph, captured };
}

async function runTestSet(
  trained: Trained,
  compiled: Compiled,
  loader: Loader,
  first: readonly TestSample[],
  options: DeployOptions,
): Promise<
  Omit<DeployResult, 'config' | 'checkpoint' | 'target' | 'artifact' | 'batch' | 'input_type' | 'storage'>
> {
  const target = await openTarget(compiled, first, options);
  const { graph, captured } = compiled;
  // In half precision weights and membranes are other numbers by design: there is nothing to hold to the host.
  const most = options.storage === 'float16' ? 0 : (options.compare ?? Infinity);
  const comparison =
    most > 0
      ? await openComparison(trained.classifier.backbone, graph, {
          scales: stateScales(captured, graph),
          engine: options.target === 'onnx' ? onnxEngine : planEngine,
        })
      : undefined;
  const tally = new Tally();
  try {
    let done = 0;
    for await (const batch of loader.epoch(0)) {
      try {
        options.signal?.throwIfAborted();
        const samples = samplesOf(batch);
        const x = tf.tensor(Float32Array.from(batch.img.data), [...batch.img.shape]);
        const host = tf.tidy(() => trained.classifier.forward(x).dataSync() as Float32Array);
        tally.add(samples, host, await target.device.run(samples));
        if (comparison) await compareSome(comparison, x, most - tally.samples + samples.length);
        x.dispose();
      } finally {
        batch.release();
      }
      options.onProgress(++done, loader.batches);
    }
    const { seconds, samples } = target.device.spent;
    const layers = comparison?.result() ?? [];
    const sum = (of: (layer: (typeof layers)[number]) => number) => layers.reduce((n, l) => n + of(l), 0);
    const neurons = new Set(graph.nodes.filter(({ op }) => op === 'load').map(({ layer }) => layer));
    const decisions = (layer: (typeof layers)[number]) => neurons.has(layer.layer);
    const compared = sum((layer) => (decisions(layer) ? layer.compared : 0));
    const flips = sum((layer) => (decisions(layer) ? layer.flips : 0));
    return {
      ...tally.result(),
      fps: seconds > 0 ? (samples * graph.timesteps) / seconds : null,
      latency_ms: target.latencyMs,
      simulator_equal: target.equal,
      host_flip_rate: compared > 0 ? flips / compared : null,
      host_flips_unexplained: compared > 0 ? sum((layer) => layer.unexplained) : null,
    };
  } finally {
    await comparison?.dispose();
    await target.close();
  }
}

/** The simulator's native plan as an engine: equal to the reference executor to the bit, and faster. */
async function planEngine(graph: StepGraph): Promise<StepEngine> {
  const plan = await openPlanExecutor(graph);
  return { step: (inputs, state, n) => Promise.resolve(plan.step(inputs, state, n)) };
}

/** Compares the first `count` samples of a batch. */
async function compareSome(comparison: ForcedComparison, x: tf.Tensor, count: number): Promise<void> {
  const [n = 0, ...rest] = x.shape;
  if (count <= 0) return;
  if (count >= n) return comparison.add(x);
  const part = x.slice([0], [count, ...rest]);
  await comparison.add(part);
  part.dispose();
}

interface OpenTarget {
  readonly device: Device;
  readonly latencyMs: number;
  readonly equal: boolean | null;
  close(): Promise<void>;
}

async function openTarget(
  { folder, graph }: Compiled,
  first: readonly TestSample[],
  options: DeployOptions,
): Promise<OpenTarget> {
  if (options.target === 'onnx') {
    const device = await openOnnx(graph, folder, options.batch);
    const latencyMs = await onnxLatency(graph, options.batch);
    return { device, latencyMs, equal: null, close: () => device.dispose() };
  }
  const driver = await openSimulator();
  try {
    const artifact = readArtifact(folder);
    const check: StepCheck = await checkSteps(artifact, driver, options.device, first.slice(0, STEPPED));
    const device = openApu(artifact, driver, options.device, options.log);
    return {
      device,
      latencyMs: check.latencyMs,
      equal: check.equal,
      async close() {
        await device.dispose();
        driver.close();
      },
    };
  } catch (error) {
    driver.close();
    throw error;
  }
}

/** Predictions of both sides over the whole set. */
class Tally {
  samples = 0;
  private readonly logits: Float32Array[] = [];
  private readonly labels: number[] = [];
  private differ = 0;
  private maxAbsDiff = 0;

  add(samples: readonly TestSample[], host: Float32Array, device: readonly Float32Array[]): void {
    this.samples += samples.length;
    samples.forEach(({ label }, i) => {
      const got = device[i] ?? new Float32Array(0);
      const want = host.subarray(i * got.length, (i + 1) * got.length);
      this.logits.push(got);
      this.labels.push(label);
      if (largest(got) !== largest(want)) this.differ++;
      got.forEach((v, k) => {
        const apart = Math.abs(v - (want[k] ?? NaN));
        // A NaN counts: it must show.
        if (!(apart <= this.maxAbsDiff)) this.maxAbsDiff = apart;
      });
    });
  }

  result() {
    const accuracy = topK(this.logits, this.labels, [1]);
    return {
      samples: this.samples,
      top1: accuracy['accuracy_top-1'] ?? null,
      predictions_differ: this.differ,
      max_abs_diff: this.maxAbsDiff,
    };
  }
}

/** Index of the largest number. */
export function largest(values: Float32Array): number {
  let best = 0;
  values.forEach((v, i) => {
    if (v > (values[best] ?? -Infinity)) best = i;
  });
  return best;
}
