import { performance } from 'node:perf_hooks';

import { ndarray, type NdArray } from '@bidl/formats';
import { createExecutor, packStates, toHalfBits, type Artifact } from '@bidl/graph';
import { ApuRun, ApuRunSingle, type Driver } from '@bidl/sdk-runtime';

import { groupsOf, type Device } from './device.js';
import { bySteps, inType, type TestSample } from './samples.js';

/** Samples of an artifact's input, `[B, T, ...]` (`[T, ...]` alone). */
function inputOf({ graph, batch }: Artifact, group: readonly TestSample[]): NdArray {
  const [{ type }] = graph.inputs;
  const parts = group.map((sample) => inType(sample, type.dtype));
  const shape = [graph.timesteps, ...type.shape];
  const [first] = parts;
  if (batch === 1 && first) return ndarray(first, shape);
  const joined = type.dtype === 'uint8' ? new Uint8Array(parts.length * (first?.length ?? 0)) : undefined;
  const data = joined ?? new Float32Array(parts.length * (first?.length ?? 0));
  parts.forEach((part, i) => data.set(part, i * part.length));
  return ndarray(data, [batch, ...shape]);
}

/** An artifact on a device, through the pipelined runtime. */
export function openApu(
  artifact: Artifact,
  driver: Driver,
  id: number,
  log?: (line: string) => void,
): Device {
  const { graph, batch } = artifact;
  const runner = new ApuRun(id, artifact.dir, graph.timesteps, { driver, ...(log && { log }) });
  const spent = { seconds: 0, samples: 0 };
  return {
    batch,
    spent,
    async run(samples) {
      const inputs = groupsOf(samples, batch).map((group) => inputOf(artifact, group));
      const start = performance.now();
      for (const input of inputs) await runner.run(input);
      const outputs = await runner.getOutput();
      spent.seconds += (performance.now() - start) / 1000;
      spent.samples += inputs.length * batch;
      const logits = outputs.flatMap(([output]) => {
        const data = output?.data ?? new Float32Array(0);
        const last = data.slice(data.length - data.length / graph.timesteps);
        const size = last.length / batch;
        return Array.from({ length: batch }, (_, i) => last.slice(i * size, (i + 1) * size));
      });
      return logits.slice(0, samples.length);
    },
    dispose: () => runner.dispose(),
  };
}

/** What going step by step found. */
export interface StepCheck {
  /** Every output and every state of every step is that of the reference executor, to the bit. */
  readonly equal: boolean;
  /** Milliseconds of one step, frame in and output out: the median. */
  readonly latencyMs: number;
}

/** Runs samples step by step on the device and in the reference executor, and compares everything that they give. */
export async function checkSteps(
  artifact: Artifact,
  driver: Driver,
  id: number,
  samples: readonly TestSample[],
): Promise<StepCheck> {
  const { graph, batch, stateTable } = artifact;
  const executor = createExecutor(graph);
  const [{ type }] = graph.inputs;
  const runner = new ApuRunSingle(id, artifact.dir, graph.timesteps, { driver });
  const times: number[] = [];
  let equal = true;
  try {
    for (const group of groupsOf(samples, batch)) {
      const steps = group.map((sample) => bySteps(sample, type.dtype, graph.timesteps, toHalfBits));
      let state = executor.initialState(batch);
      for (let t = 0; t < graph.timesteps; t++) {
        const frames = joined(steps.map((step) => step[t]?.[0] ?? new Float32Array(0)));
        const shape = batch === 1 ? [1, ...type.shape] : [batch, 1, ...type.shape];
        const start = performance.now();
        const outputs = await runner.step(ndarray(frames, shape, type.dtype));
        times.push(performance.now() - start);
        const want = executor.step([frames], state);
        state = want.state;
        equal &&= want.outputs.every((values, k) => sameBits(values, outputs[k]?.data));
        equal &&= sameBits(packStates(stateTable, state, batch), await runner.readState());
      }
    }
  } finally {
    await runner.dispose();
  }
  times.sort((a, b) => a - b);
  return { equal, latencyMs: times[times.length >> 1] ?? NaN };
}

type Frames = Float32Array | Uint8Array | Uint16Array;

function joined(parts: readonly Frames[]): Frames {
  const [first] = parts;
  if (!first || parts.length === 1) return first ?? new Float32Array(0);
  const all = new (first.constructor as new (n: number) => Frames)(parts.length * first.length);
  parts.forEach((part, i) => all.set(part, i * first.length));
  return all;
}

function sameBits(a: ArrayBufferView, b: ArrayBufferView | undefined): boolean {
  if (a.byteLength !== b?.byteLength) return false;
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  );
}
