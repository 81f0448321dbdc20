import { tf } from '@bidl/engine';
import { createExecutor, type Node, type StepGraph } from '@bidl/graph';
import { stepper, type NetworkState } from '@bidl/neurons';
import { layerGraphs, type LayerGraph } from './layer-graph.js';

/** What one layer computed from the other side's inputs and states. */
export interface LayerComparison {
  readonly layer: string;
  /** Neurons times steps that were compared. */
  readonly compared: number;
  /** Neurons that decided otherwise: their output or state is another. */
  readonly flips: number;
  /** Flips of a neuron that was not within `margin` of its threshold. None, if both compute the same. */
  readonly unexplained: number;
  /** Largest difference among the others. */
  readonly maxDifference: number;
}

export interface CompareOptions {
  /** How near to a threshold rounding may decide. Default 1e-5. */
  readonly margin?: number;
  /** Differences up to this, relative to max(1, |value|), are rounding. Default 1e-4. */
  readonly tolerance?: number;
  /** Factor of each state of the graph over the host's, by channel: `stateScales` of the passes that ran. */
  readonly scales?: ReadonlyMap<string, Float32Array>;
}

/**
 * Compares a graph with the network that it comes from, layer by layer and step by step, each layer fed with the
 * inputs and states that the network itself computed (teacher forcing): two orders of summation round differently,
 * and a membrane within rounding of its threshold may fire in one and not in the other. Without forcing, one such
 * flip would change everything behind it. (The running output is left out: it sums what is compared before it.)
 *
 * @param x `[n, T, ...]`
 */
export function compareForced(
  model: tf.LayersModel,
  graph: StepGraph,
  x: tf.Tensor,
  options: CompareOptions = {},
): LayerComparison[] {
  const layers = layerGraphs(graph).map((part) => new LayerCheck(part, options));
  const { initialState, step } = stepper(model);
  const n = x.shape[0] ?? 1;
  tf.tidy(() => {
    let state: NetworkState = initialState(n);
    for (const frame of x.shape[1] === 1 ? [x.squeeze([1])] : tf.unstack(x, 1)) {
      const outs = new Map<string, Float32Array>();
      for (const { name } of graph.inputs) outs.set(name, numbers(frame));
      const before = state;
      const next = step(frame, state, (layer, _, out) => {
        outs.set(layer.name, numbers(out));
      });
      for (const check of layers) check.step(n, outs, before, next.state);
      state = next.state;
    }
  });
  return layers.map((check) => check.result());
}

const numbers = (tensor: tf.Tensor): Float32Array => Float32Array.from(tensor.dataSync());

/** Running comparison of one layer. */
class LayerCheck {
  private readonly executor;
  private readonly decisions: readonly Node[];
  private readonly margin: number;
  private readonly tolerance: number;
  private compared = 0;
  private flips = 0;
  private unexplained = 0;
  private maxDifference = 0;

  constructor(
    private readonly part: LayerGraph,
    private readonly options: CompareOptions,
  ) {
    this.margin = options.margin ?? 1e-5;
    this.tolerance = options.tolerance ?? 1e-4;
    this.executor = createExecutor(part.graph);
    this.decisions = part.graph.nodes.filter(({ op }) => op === 'gt' || op === 'fire' || op === 'resetDecay');
  }

  step(n: number, outs: ReadonlyMap<string, Float32Array>, before: NetworkState, after: NetworkState): void {
    const { layer, graph, sources } = this.part;
    const given = sources.map((source) => outs.get(source.layer));
    const want = outs.get(layer);
    if (!want || !given.every((data) => data !== undefined)) return;
    const host = (states: NetworkState, key: string) => {
      const tensor = states[layer]?.[key.slice(layer.length + 1)];
      return tensor && this.scaled(key, numbers(tensor));
    };
    const state = new Map(graph.states.map(({ key }) => [key, host(before, key) ?? new Float32Array(0)]));
    if (graph.states.some(({ key, shape }) => state.get(key)?.length !== n * size(shape))) return;
    const operands = [...new Set(this.decisions.flatMap(({ inputs }) => inputs))].filter((id) =>
      graph.nodes.some((node) => node.id === id),
    );
    const { outputs, state: now, taps } = this.executor.step(given, state, operands);
    const pairs: (readonly [Float32Array, Float32Array])[] = [];
    const [first] = outputs;
    if (outputs.length === 1 && first.length === want.length) pairs.push([first, want]);
    for (const { key } of graph.states) {
      const [a, b] = [now.get(key), host(after, key)];
      if (a && b?.length === a.length) pairs.push([a, b]);
    }
    const seen = new Map([...taps, ...sources.map(({ value }, i) => [value, given[i]] as const)]);
    this.count(pairs, (i, length) => this.distance(i, length, n, seen));
  }

  private count(
    pairs: readonly (readonly [Float32Array, Float32Array])[],
    distance: (i: number, length: number) => number,
  ): void {
    const length = pairs[0]?.[0].length ?? 0;
    this.compared += length;
    for (let i = 0; i < length; i++) {
      let worst = 0;
      for (const [got, want] of pairs) {
        if (got.length !== length) continue;
        worst = Math.max(worst, Math.abs(got[i] - want[i]) / Math.max(1, Math.abs(want[i])));
      }
      if (worst <= this.tolerance) {
        this.maxDifference = Math.max(this.maxDifference, worst);
      } else {
        this.flips++;
        if (!(distance(i, length) < this.margin)) this.unexplained++;
      }
    }
  }

  /** How far neuron `i` is from its nearest decision. */
  private distance(i: number, length: number, n: number, taps: ReadonlyMap<string, Float32Array>): number {
    const value = (id: string): number => {
      const data = taps.get(id) ?? this.part.graph.weights[id]?.data;
      if (!data) return NaN;
      const perSample = length / n;
      if (data.length === length) return data[i];
      return taps.has(id) ? data[Math.floor(i / perSample)] : data[data.length === 1 ? 0 : i % data.length];
    };
    return Math.min(
      Infinity,
      ...this.decisions.map((node) => {
        const [a, b] = node.inputs;
        const against = node.op === 'fire' ? Math.fround(Number(node.attrs['threshold'])) : value(b);
        return Math.abs(value(a) - against);
      }),
    );
  }

  private scaled(key: string, data: Float32Array): Float32Array {
    const scale = this.options.scales?.get(key);
    return scale ? data.map((v, i) => v * scale[i % scale.length]) : data;
  }

  result(): LayerComparison {
    const { compared, flips, unexplained, maxDifference } = this;
    return { layer: this.part.layer, compared, flips, unexplained, maxDifference };
  }
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
