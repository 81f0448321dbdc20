import { startEngine, tf } from '@bidl/engine';
import { createExecutor, runSequence, type StepGraph } from '@bidl/graph';
import { stepper } from '@bidl/neurons';
import { capture } from './capture/capture.js';
import { compareForced } from './compare/teacher-forcing.js';
import { deadCode } from './passes/dead-code.js';
import { foldConstants } from './passes/fold-constants.js';
import { foldSynapticNorm } from './passes/fold-norm.js';
import { foldRecurrentNorm, stateScales } from './passes/fold-recurrent-norm.js';
import { fuseFireReset } from './passes/fuse-fire-reset.js';
import { optimise } from './passes/optimise.js';
import type { Pass } from './passes/rewrite.js';
import { withNetworks } from './testing/networks.js';

const SAMPLES = 2;

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

/** Outputs of every step, from the initial state. */
function outputs(graph: StepGraph, x: tf.Tensor): Float32Array[] {
  const steps = tf.tidy(() => {
    const frames = x.shape[1] === 1 ? [x.squeeze([1])] : tf.unstack(x, 1);
    return frames.map((frame) => [Float32Array.from(frame.dataSync())]);
  });
  const executor = createExecutor(graph);
  return runSequence(executor, steps, SAMPLES).outputs.map(([out]) => out);
}

const withNetwork = (check: Parameters<typeof withNetworks>[1], numRuns: number) =>
  withNetworks(SAMPLES, check, numRuns);

test('graph = network, layer by layer with teacher forcing, with and without passes', async () => {
  let compared = 0;
  await withNetwork(async (model, x) => {
    const captured = capture(model);
    for (const graph of [captured, optimise(captured)]) {
      const scales = stateScales(captured, graph);
      for (const { layer, unexplained, compared: count } of await compareForced(model, graph, x, {
        scales,
      })) {
        compared += count;
        expect({ layer, unexplained }).toEqual({ layer, unexplained: 0 });
      }
    }
  }, 40);
  expect(compared).toBeGreaterThan(10_000);
});

test('graph = network over the whole sequence, where nothing is near a threshold', async () => {
  let agreed = 0;
  await withNetwork((model, x) => {
    const got = outputs(capture(model), x).at(-1) ?? new Float32Array(0);
    const { initialState, step } = stepper(model);
    let state = initialState(SAMPLES);
    let out: tf.Tensor | undefined;
    for (const frame of x.shape[1] === 1 ? [x.squeeze([1])] : tf.unstack(x, 1)) {
      ({ out, state } = step(frame, state));
    }
    const want = out?.dataSync() ?? [];
    if (got.every((v, i) => Math.abs(v - want[i]) <= 1e-3 * Math.max(1, Math.abs(want[i])))) agreed++;
  }, 40);
  expect(agreed).toBeGreaterThanOrEqual(36);
});

describe('a pass alone gives the same outputs', () => {
  const EXACT: readonly (readonly [string, Pass])[] = [
    ['fuseFireReset', fuseFireReset],
    ['deadCode', deadCode],
    ['foldConstants', foldConstants],
  ];
  test.each(EXACT)('%s, to the bit', async (_, pass) => {
    await withNetwork((model, x) => {
      const graph = capture(model);
      // + 0 turns -0 into 0; adding 0 here takes that difference out.
      const plain = (runs: Float32Array[]) => runs.map((run) => run.map((v) => v + 0));
      expect(plain(outputs(pass(graph), x))).toEqual(plain(outputs(graph, x)));
    }, 25);
  });

  const ROUNDED: readonly (readonly [string, Pass])[] = [
    ['foldSynapticNorm', foldSynapticNorm],
    ['foldRecurrentNorm', foldRecurrentNorm],
  ];
  test.each(ROUNDED)('%s, up to rounding', async (_, pass) => {
    await withNetwork(async (model, x) => {
      const captured = capture(model);
      const graph = pass(captured);
      const scales = stateScales(captured, graph);
      for (const { layer, unexplained } of await compareForced(model, graph, x, { scales })) {
        expect({ layer, unexplained }).toEqual({ layer, unexplained: 0 });
      }
    }, 25);
  });
});
