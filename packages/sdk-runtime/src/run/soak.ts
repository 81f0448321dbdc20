import { ndarray, sizeOf } from '@bidl/formats';
import { type Check, type InputNumbers, readArtifact, type StepGraph } from '@bidl/graph';
import { performance } from 'node:perf_hooks';
import type { Driver } from '../driver.js';
import { ApuRun } from './apu-run.js';
import type { SampleData } from './layout.js';

export interface SoakOptions {
  readonly driver: Driver;
  /** Default 0. */
  readonly device?: number;
  /** Time steps to run at least. */
  readonly steps: number;
  /** Hears after every tenth. */
  readonly onTenth?: (tenth: SoakTenth) => void;
}

export interface SoakTenth {
  /** Steps so far. */
  readonly steps: number;
  /** Resident memory of this process, bytes. */
  readonly rss: number;
}

/** What a soak found. */
export interface SoakReport {
  readonly steps: number;
  readonly seconds: number;
  /** Runs whose outputs were not those that the artifact expects, bit for bit. */
  readonly wrong: number;
  readonly tenths: readonly SoakTenth[];
  /** Growth of resident memory from the end of the first tenth to the end, bytes. */
  readonly growth: number;
}

/**
 * Runs an artifact's own samples through {@link ApuRun} over and over, compares every output with what the artifact
 * expects, and watches the memory of this process. For devices that are to run for days.
 *
 * @param path the artifact's `Net_0`, or its folder
 * @throws DriverError as `ApuRun`
 *
 * @example
 * const { wrong, growth } = await soak('Clif3fc3dm_itoutDm/Net_0', { driver, steps: 100_000 });
 */
export async function soak(path: string, options: SoakOptions): Promise<SoakReport> {
  const { driver, device = 0, steps, onTenth } = options;
  const { graph, checks } = readArtifact(path);
  const samples = samplesOf(graph, checks.batch);
  const want = outputsOf(graph, checks.batch);
  const each = Math.ceil(steps / graph.timesteps / 10);
  const tenths: SoakTenth[] = [];
  let wrong = 0;
  const start = performance.now();
  const run = new ApuRun(device, path, graph.timesteps, { driver });
  try {
    for (let tenth = 1; tenth <= 10; tenth++) {
      for (let i = 0; i < each; i++) await run.run(samples);
      for (const outputs of await run.getOutput()) {
        if (!outputs.every(({ data }, k) => sameBits(data, want[k]))) wrong++;
      }
      const now = { steps: tenth * each * graph.timesteps, rss: process.memoryUsage.rss() };
      tenths.push(now);
      onTenth?.(now);
    }
  } finally {
    await run.dispose();
  }
  return {
    steps: 10 * each * graph.timesteps,
    seconds: (performance.now() - start) / 1000,
    wrong,
    tenths,
    growth: tenths[9].rss - tenths[0].rss,
  };
}

const sameBits = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;

/** The inputs of a check, `[n, T, ...shape]` each. */
const samplesOf = ({ inputs, timesteps }: StepGraph, { n, inputs: steps }: Check): SampleData[] =>
  inputs.map(({ type: { shape } }, k) => {
    const size = sizeOf(shape);
    const frames = steps.map((step) => step[k]);
    const made = frames[0].constructor as new (length: number) => InputNumbers;
    const data = new made(n * timesteps * size);
    frames.forEach((frame, t) => {
      for (let b = 0; b < n; b++)
        data.set(frame.subarray(b * size, (b + 1) * size), (b * timesteps + t) * size);
    });
    return ndarray(data, [n, timesteps, ...shape]);
  });

/** The outputs of a check, `[T, n, ...shape]` each. */
const outputsOf = ({ outputs }: StepGraph, check: Check): Float32Array[] =>
  outputs.map((_, k) => {
    const steps = check.outputs.map((step) => step[k]);
    const data = new Float32Array(steps.reduce((sum, { length }) => sum + length, 0));
    steps.forEach((step, t) => data.set(step, t * step.length));
    return data;
  });
