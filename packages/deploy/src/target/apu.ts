import { performance } from 'node:perf_hooks';

import type { Artifact } from '@bidl/graph';
import { ApuRun, openSimulator, type Driver } from '@bidl/sdk-runtime';

import { groupsOf, together, type TestSample } from '../samples.js';
import { checkSteps, type StepCheck } from './step-check.js';
import type { Target } from './target.js';

/** How an artifact is put on a device. */
export interface ApuPlace {
  /** Whose devices; left out: a simulator of one device, closed with the target. */
  readonly driver?: Driver;
  readonly device: number;
  readonly log: (line: string) => void;
}

/** A driver, and how to be done with it. */
export async function driverOf(given: Driver | undefined): Promise<{ driver: Driver; close: () => void }> {
  if (given) return { driver: given, close: () => undefined };
  const driver = await openSimulator();
  return { driver, close: () => driver.close() };
}

/**
 * An artifact on a device, through the pipelined runtime, after some samples went through it step by step.
 *
 * @param stepped samples for that
 * @throws DriverError, with nothing left on the device
 */
export async function openApu(
  artifact: Artifact,
  stepped: readonly TestSample[],
  place: ApuPlace & { readonly signal?: AbortSignal },
): Promise<Target> {
  const { driver, close } = await driverOf(place.driver);
  try {
    const check = await checkSteps(artifact, driver, place.device, stepped, place.signal);
    return apuTarget(artifact, driver, close, check, place);
  } catch (error) {
    close();
    throw error;
  }
}

function apuTarget(
  artifact: Artifact,
  driver: Driver,
  close: () => void,
  { equal, latencyMs }: StepCheck,
  { device, log }: ApuPlace,
): Target {
  const { graph, batch } = artifact;
  const [{ type }] = graph.inputs;
  const runner = new ApuRun(device, artifact.dir, graph.timesteps, { driver, log });
  const spent = { seconds: 0, samples: 0 };
  return {
    latencyMs,
    equal,
    spent,
    async run(samples) {
      const inputs = groupsOf(samples, batch).map((group) => together(group, type, graph.timesteps));
      const start = performance.now();
      for (const input of inputs) await runner.run(input);
      const outputs = await runner.getOutput();
      spent.seconds += (performance.now() - start) / 1000;
      spent.samples += inputs.length * batch;
      return outputs
        .flatMap(([output]) => lastLogits(output?.data, graph.timesteps, batch))
        .slice(0, samples.length);
    },
    async dispose() {
      try {
        await runner.dispose();
      } finally {
        close();
      }
    },
  };
}

/** Of outputs `[T, n, K]` the last step's, sample by sample. */
function lastLogits(data: Float32Array | undefined, timesteps: number, n: number): Float32Array[] {
  if (!data) return [];
  const size = data.length / timesteps / n;
  const last = data.length - n * size;
  return Array.from({ length: n }, (_, i) => data.slice(last + i * size, last + (i + 1) * size));
}
