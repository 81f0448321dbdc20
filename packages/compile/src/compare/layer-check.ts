import { createExecutor, type Executor, type GraphPart, type Node } from '@bidl/graph';
import type { StepEngine, States } from './step-engine.js';

/** What one layer computed from the other side's inputs and states. */
export interface LayerComparison {
  readonly layer: string;
  /** Values of neurons times steps that were compared. */
  readonly compared: number;
  /** Neurons that decided otherwise: their output or state is another. */
  readonly flips: number;
  /** Flips of a neuron that was not within `margin` of its threshold. None, if both compute the same. */
  readonly unexplained: number;
  /** Largest difference among the others. */
  readonly maxDifference: number;
}

/** What the host has for a layer in one step. */
export interface HostStep {
  readonly n: number;
  readonly given: readonly Float32Array[];
  readonly out: Float32Array;
  readonly before: States;
  readonly after: States;
}

/** Running comparison of one layer. */
export class LayerCheck {
  private readonly decisions: readonly Node[];
  private readonly operands: readonly string[];
  private judge: Executor | undefined;
  private compared = 0;
  private flips = 0;
  private unexplained = 0;
  private maxDifference = 0;

  constructor(
    readonly part: GraphPart,
    private readonly engine: StepEngine,
    private readonly margin: number,
    private readonly tolerance: number,
  ) {
    const { nodes } = part.graph;
    this.decisions = nodes.filter(({ op }) => op === 'gt' || op === 'fire' || op === 'resetDecay');
    const read = new Set(this.decisions.flatMap(({ inputs }) => inputs));
    this.operands = nodes.filter(({ id }) => read.has(id)).map(({ id }) => id);
  }

  async step(host: HostStep): Promise<void> {
    const { given, out, before, after, n } = host;
    const got = await this.engine.step(given, before, n);
    const pairs: (readonly [Float32Array, Float32Array])[] = [];
    const [first] = got.outputs;
    if (got.outputs.length === 1 && first.length === out.length) pairs.push([first, out]);
    for (const [key, want] of after) {
      const state = got.state.get(key);
      if (state?.length === want.length) pairs.push([state, want]);
    }
    const length = pairs[0]?.[0].length ?? 0;
    const same = pairs.filter(([values]) => values.length === length);
    const flipped = this.count(same, length);
    this.compared += length;
    this.flips += flipped.length;
    if (flipped.length > 0) this.unexplained += this.beyondRounding(flipped, length, host);
  }

  /** Elements that are another; notes how far the others are apart. */
  private count(pairs: readonly (readonly [Float32Array, Float32Array])[], length: number): number[] {
    const flipped = new Set<number>();
    for (const [got, want] of pairs) {
      for (let i = 0; i < length; i++) {
        const a = got[i];
        const b = want[i];
        if (a === b) continue;
        const apart = Math.abs(a - b) / Math.max(1, Math.abs(b));
        // NaN is no rounding.
        if (!(apart <= this.tolerance)) flipped.add(i);
        else if (apart > this.maxDifference) this.maxDifference = apart;
      }
    }
    return [...flipped];
  }

  /** How many of the flipped neurons were further from all their decisions than rounding explains. */
  private beyondRounding(flipped: readonly number[], length: number, host: HostStep): number {
    this.judge ??= createExecutor(this.part.graph);
    const { taps } = this.judge.step(host.given, host.before, this.operands);
    const seen = new Map([
      ...taps,
      ...this.part.sources.map(({ value }, i) => [value, host.given[i]] as const),
    ]);
    const value = (id: string, i: number): number => {
      const perSample = seen.get(id);
      const data = perSample ?? this.part.graph.weights[id]?.data;
      if (!data) return NaN;
      if (data.length === length) return data[i];
      return perSample
        ? data[Math.floor((i * host.n) / length)]
        : data[data.length === 1 ? 0 : i % data.length];
    };
    const distance = (i: number): number =>
      Math.min(
        Infinity,
        ...this.decisions.map(({ op, inputs: [a, b], attrs }) => {
          const against = op === 'fire' ? Math.fround(Number(attrs['threshold'])) : value(b, i);
          return Math.abs(value(a, i) - against);
        }),
      );
    return flipped.filter((i) => !(distance(i) < this.margin)).length;
  }

  result(): LayerComparison {
    const { compared, flips, unexplained, maxDifference } = this;
    return { layer: this.part.name, compared, flips, unexplained, maxDifference };
  }

  async dispose(): Promise<void> {
    await this.engine.dispose?.();
  }
}
