import type { LoadedConfig, RunConfig } from '@bidl/config';
import type { Loader } from '@bidl/datasets';
import { tf } from '@bidl/engine';
import { readArtifact, type ElementType } from '@bidl/graph';
import { named } from '@bidl/runner';
import type { Driver, Profile } from '@bidl/sdk-runtime';

import { checkOptions, readCompiled, writeCompiled, type Compiled, type CompileOptions } from './compile.js';
import { DeployError } from './errors.js';
import { openHostComparison, type HostDifference } from './host-comparison.js';
import { writeProfile } from './profile.js';
import { firstSamples, samplesOf, type TestSample } from './samples.js';
import { Tally, type Predictions } from './tally.js';
import { openApu } from './target/apu.js';
import { openOnnx } from './target/onnx.js';
import type { Target } from './target/target.js';
import { openTestSplit, openTrained, type Trained } from './trained.js';
import { using } from './using.js';

export interface DeployOptions extends CompileOptions {
  /** Use the artifact that is there; it must be of this config and checkpoint. */
  readonly useLegacy?: boolean;
  /** Compile (or look at the artifact that is there) and stop. */
  readonly compileOnly?: boolean;
  /** Device, from 0. */
  readonly device?: number;
  /** Whose devices. Default: a simulator of one device. */
  readonly driver?: Driver;
  /** Samples that are compared with the host layer by layer. Default: all. */
  readonly compare?: number;
  /** Write a profile of every operation beside the artifact. */
  readonly profiler?: boolean;
  readonly onProfile?: (profile: Profile, file: string) => void;
  /** Batches of the test set that are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a deployment found. Numbers that weren't measured are null. */
export interface DeployResult extends Predictions, HostDifference {
  readonly config: string;
  readonly checkpoint: string;
  readonly target: string;
  readonly artifact: string;
  readonly batch: number;
  readonly input_type: ElementType;
  readonly storage: string;
  /** Frames (samples x time steps) a second on the target. */
  readonly fps: number | null;
  /** Of one step, frame in and output out. */
  readonly latency_ms: number | null;
  /** Every output and state of every step equals the reference executor's, to the bit (20 samples). */
  readonly simulator_equal: boolean | null;
  /** File of the profile, where one was asked for. */
  readonly profile: string | null;
}

/** Samples that go through the device step by step. */
const STEPPED = 20;

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

/**
 * Compiles a trained network (or takes the artifact that is there), runs the test set on the target, and compares it
 * with the host network and the reference executor.
 *
 * @throws ConfigError, CheckpointError, CheckpointMismatchError; CompileError for a network that can't be compiled;
 * ArtifactError for an artifact that doesn't fit; DriverError from the device; DeployError for options that don't go
 * together; the reason of `signal` when it is aborted. Nothing is left on the device then.
 *
 * @example
 * const result = await deploy(await loadConfig('clif3fc3dm_itout-b16x2-nmnist'), { checkpoint });
 * console.log(result.top1, result.predictions_differ, result.simulator_equal);
 */
export async function deploy(
  config: RunConfig | LoadedConfig,
  options: DeployOptions,
): Promise<DeployResult> {
  checkOptions(options);
  const run = named(config);
  const { checkpoint, batch = 1, log = () => undefined } = options;
  if (options.profiler && options.target === 'onnx') {
    throw new DeployError('the profiler is about the simulated chip: take target apu, or leave it out');
  }
  const loader = await openTestSplit(run, options.compileOnly ? 0 : undefined);
  const withNetwork = async (trained: Trained): Promise<DeployResult> => {
    const first = await firstSamples(loader, options.compileOnly ? batch : Math.max(batch, STEPPED));
    const compiled = options.useLegacy
      ? readCompiled(trained, options)
      : await writeCompiled(trained, options, first);
    log(`artifact: ${compiled.folder}`);
    const profiled = options.profiler ? await writeProfile(compiled, first, batch) : undefined;
    if (profiled) options.onProfile?.(profiled.profile, profiled.file);
    return {
      config: run.name,
      checkpoint: trained.checkpoint.path,
      target: compiled.target,
      artifact: compiled.folder,
      batch,
      input_type: compiled.inputType,
      storage: compiled.storage,
      profile: profiled?.file ?? null,
      ...(options.compileOnly ? NOTHING : await runTestSet(trained, compiled, loader, first, options)),
    };
  };
  return using(
    loader,
    () => loader.close(),
    async () => {
      const trained = await openTrained(run, checkpoint, loader.sampleShape, log);
      return using(trained, ({ classifier }) => classifier.dispose(), withNetwork);
    },
  );
}

type Findings = Pick<DeployResult, keyof typeof NOTHING>;

async function runTestSet(
  trained: Trained,
  compiled: Compiled,
  loader: Loader,
  first: readonly TestSample[],
  options: DeployOptions,
): Promise<Findings> {
  const { classifier } = trained;
  // In half precision weights and membranes are other numbers by design: there is nothing to hold to the host.
  const most = compiled.storage === 'float16' ? 0 : (options.compare ?? Infinity);
  const end = (opened: { dispose(): Promise<void> }) => opened.dispose();
  return using(await openTarget(compiled, first, options), end, async (target) =>
    using(await openHostComparison(classifier.backbone, compiled, most), end, async (comparison) => {
      const tally = new Tally();
      let done = 0;
      for await (const batch of loader.epoch(0)) {
        const x = tf.tensor(Float32Array.from(batch.img.data), [...batch.img.shape]);
        try {
          options.signal?.throwIfAborted();
          const samples = samplesOf(batch);
          const host = tf.tidy(() => classifier.forward(x).dataSync() as Float32Array);
          tally.add(samples, host, await target.run(samples));
          await comparison.add(x);
        } finally {
          x.dispose();
          batch.release();
        }
        options.onProgress?.(++done, loader.batches);
      }
      const { seconds, samples } = target.spent;
      return {
        ...tally.result(),
        ...comparison.result(),
        fps: seconds > 0 ? (samples * compiled.graph.timesteps) / seconds : null,
        latency_ms: target.latencyMs,
        simulator_equal: target.equal,
      };
    }),
  );
}

function openTarget(
  { folder, graph, target }: Compiled,
  first: readonly TestSample[],
  { batch = 1, device = 0, log = () => undefined, driver, signal }: DeployOptions,
): Promise<Target> {
  return target === 'onnx'
    ? openOnnx(graph, folder, batch)
    : openApu(readArtifact(folder), first.slice(0, STEPPED), { driver, device, log, signal });
}
