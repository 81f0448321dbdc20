import { performance } from 'node:perf_hooks';

import { ndarray } from '@bidl/formats';
import { createExecutor, packStates, sameStates, type Artifact } from '@bidl/graph';
import { ApuRunSingle, type Driver } from '@bidl/sdk-runtime';

import { bySteps, groupsOf, joined, type TestSample } from '../samples.js';
import { median } from './target.js';

/** What going step by step found. */
export interface StepCheck {
  /** Every output and every state of every step is that of the reference executor, to the bit. */
  readonly equal: boolean;
  /** Milliseconds of one step, frame in and output out: the median. */
  readonly latencyMs: number;
}

/** Runs samples step by step on a device and in the reference executor, and compares everything that they give. */
export async function checkSteps(
  artifact: Artifact,
  driver: Driver,
  device: number,
  samples: readonly TestSample[],
  signal?: AbortSignal,
): Promise<StepCheck> {
  const { graph, batch, stateTable } = artifact;
  const executor = createExecutor(graph);
  const [{ type }] = graph.inputs;
  const runner = new ApuRunSingle(device, artifact.dir, graph.timesteps, { driver });
  const times: number[] = [];
  let equal = true;
  try {
    for (const group of groupsOf(samples, batch)) {
      const steps = group.map((sample) => bySteps(sample, type.dtype, graph.timesteps));
      let state = executor.initialState(batch);
      for (let t = 0; t < graph.timesteps; t++) {
        signal?.throwIfAborted();
        const frames = joined(steps.map((step) => step[t]?.[0] ?? new Float32Array(0)));
        const start = performance.now();
        const outputs = await runner.step(ndarray(frames, [batch, 1, ...type.shape], type.dtype));
        times.push(performance.now() - start);
        const want = executor.step([frames], state);
        state = want.state;
        equal &&= want.outputs.every((values, k) => sameBits(values, outputs[k]?.data));
        equal &&= sameStates(
          stateTable,
          packStates(stateTable, state, batch),
          await runner.readState(),
          batch,
        );
      }
    }
  } finally {
    await runner.dispose();
  }
  return { equal, latencyMs: median(times) };
}

function sameBits(a: ArrayBufferView, b: ArrayBufferView | undefined): boolean {
  if (a.byteLength !== b?.byteLength) return false;
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  );
}
