import { openComparison, stateScales, type StepEngine } from '@bidl/compile';
import type { tf } from '@bidl/engine';
import type { StepGraph } from '@bidl/graph';
import { openPlanExecutor } from '@bidl/sdk-runtime';

import type { Compiled } from './compile.js';
import { onnxEngine } from './target/onnx-engine.js';

/** How the decisions of the neurons differ from the host's, each layer fed with the host's values. */
export interface HostDifference {
  /** Share of the decisions that differ; null when none was compared. */
  readonly host_flip_rate: number | null;
  /** Those of them that weren't within 1e-5 of their threshold. */
  readonly host_flips_unexplained: number | null;
}

/** A comparison with the host that goes on for a number of samples. */
export interface HostComparison {
  /** Compares more samples, `[n, T, ...]`, as long as there are some left to compare. */
  add(x: tf.Tensor): Promise<void>;
  result(): HostDifference;
  dispose(): Promise<void>;
}

/**
 * Compares a compiled network with the one it comes from.
 *
 * @param most samples to compare
 */
export async function openHostComparison(
  model: tf.LayersModel,
  { graph, captured, target }: Compiled,
  most: number,
): Promise<HostComparison> {
  if (most <= 0) return NOTHING_COMPARED;
  const comparison = await openComparison(model, graph, {
    scales: stateScales(captured, graph),
    engine: target === 'onnx' ? (layer) => onnxEngine(layer, 1) : planEngine,
  });
  const neurons = new Set(graph.nodes.filter(({ op }) => op === 'load').map(({ layer }) => layer));
  let left = most;
  return {
    async add(x) {
      const [n = 0, ...rest] = x.shape;
      const count = Math.min(n, left);
      left -= count;
      if (count === n) return comparison.add(x);
      if (count === 0) return;
      const part = x.slice([0], [count, ...rest]);
      try {
        await comparison.add(part);
      } finally {
        part.dispose();
      }
    },
    result() {
      const layers = comparison.result();
      const decided = layers.filter(({ layer }) => neurons.has(layer));
      const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
      const compared = sum(decided.map((layer) => layer.compared));
      if (compared === 0) return NOTHING;
      return {
        host_flip_rate: sum(decided.map(({ flips }) => flips)) / compared,
        host_flips_unexplained: sum(layers.map(({ unexplained }) => unexplained)),
      };
    },
    dispose: () => comparison.dispose(),
  };
}

const NOTHING: HostDifference = { host_flip_rate: null, host_flips_unexplained: null };
const NOTHING_COMPARED: HostComparison = {
  add: () => Promise.resolve(),
  result: () => NOTHING,
  dispose: () => Promise.resolve(),
};

/** The simulator's native plan as an engine: equal to the reference executor to the bit, and faster. */
async function planEngine(graph: StepGraph): Promise<StepEngine> {
  const plan = await openPlanExecutor(graph);
  return { step: (inputs, state, n) => Promise.resolve(plan.step(inputs, state, n)) };
}
