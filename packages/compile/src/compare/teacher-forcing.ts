import { tf } from '@bidl/engine';
import { graphParts, type GraphPart, type StepGraph } from '@bidl/graph';
import { stepper, type NetworkState, type Stepper } from '@bidl/neurons';
import { LayerCheck, type HostStep, type LayerComparison } from './layer-check.js';
import { referenceEngine, type StepEngine } from './step-engine.js';

export interface CompareOptions {
  /** How near to a threshold rounding may decide. Default 1e-5. */
  readonly margin?: number;
  /** Differences up to this, relative to max(1, |value|), are rounding. Default 1e-4. */
  readonly tolerance?: number;
  /** Factor of each state of the graph over the host's, by channel: `stateScales` of the passes that ran. */
  readonly scales?: ReadonlyMap<string, Float32Array>;
  /** What computes a layer. Default: the reference executor. */
  readonly engine?: (graph: StepGraph) => StepEngine | Promise<StepEngine>;
}

/** A comparison that goes on for as long as there are samples. */
export interface ForcedComparison {
  /** Compares more samples, `[n, T, ...]`. */
  add(x: tf.Tensor): Promise<void>;
  result(): LayerComparison[];
  dispose(): Promise<void>;
}

/**
 * Compares a graph with the network that it comes from, layer by layer and step by step, each layer fed with the
 * inputs and states that the network itself computed (teacher forcing): two orders of summation round differently,
 * and a membrane within rounding of its threshold may fire in one and not in the other. Without forcing, one such
 * flip would change everything behind it. (The running output is left out: it sums what is compared before it.)
 */
export async function openComparison(
  model: tf.LayersModel,
  graph: StepGraph,
  options: CompareOptions = {},
): Promise<ForcedComparison> {
  const { margin = 1e-5, tolerance = 1e-4, engine = referenceEngine, scales = new Map() } = options;
  const host = new Host(graph, stepper(model), scales as ReadonlyMap<string, Float32Array>);
  const checks: LayerCheck[] = [];
  const dispose = async () => {
    for (const check of checks) await check.dispose();
  };
  try {
    for (const cut of graphParts(graph, ({ layer }) => layer)) {
      const part = { ...cut, graph: plainInputs(cut.graph) };
      checks.push(new LayerCheck(part, await engine(part.graph), margin, tolerance));
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    async add(x) {
      for (const see of host.run(x)) {
        for (const check of checks) {
          const step = see(check.part);
          if (step) await check.step(step);
        }
      }
    },
    result: () => checks.map((check) => check.result()),
    dispose,
  };
}

/** {@link openComparison} for samples that are there at once. */
export async function compareForced(
  model: tf.LayersModel,
  graph: StepGraph,
  x: tf.Tensor,
  options: CompareOptions = {},
): Promise<LayerComparison[]> {
  const comparison = await openComparison(model, graph, options);
  try {
    await comparison.add(x);
    return comparison.result();
  } finally {
    await comparison.dispose();
  }
}

/** Values between layers are float32, whatever a network's frames are handed in as. */
const plainInputs = (graph: StepGraph): StepGraph => ({
  ...graph,
  inputs: graph.inputs.map(({ name, type }) => ({ name, type: { ...type, dtype: 'float32' } })),
});

type See = (part: GraphPart) => HostStep | undefined;

/** The network itself, one step at a time, every layer's inputs, output and states on the table. */
class Host {
  constructor(
    private readonly graph: StepGraph,
    private readonly steps: Stepper,
    private readonly scales: ReadonlyMap<string, Float32Array>,
  ) {}

  *run(x: tf.Tensor): Generator<See> {
    const n = x.shape[0] ?? 1;
    const frames = x.shape[1] === 1 ? [x.squeeze<tf.Tensor>([1])] : tf.unstack(x, 1);
    let state = this.steps.initialState(n);
    let before = read(state);
    try {
      for (const frame of frames) {
        const outs = new Map(this.graph.inputs.map(({ name }) => [name, numbers(frame)] as const));
        const next = this.steps.step(frame, state, (layer, _, out) => outs.set(layer.name, numbers(out)));
        // A sum's output is its state.
        const kept = Object.values(next.state).flatMap((variables) => Object.values(variables));
        if (!kept.includes(next.out)) next.out.dispose();
        tf.dispose(state);
        state = next.state;
        const after = read(state);
        const earlier = before;
        yield (part) => this.see(part, n, outs, earlier, after);
        before = after;
      }
    } finally {
      tf.dispose([state, frames] as unknown as tf.TensorContainer);
    }
  }

  private see(
    { name: layer, graph, sources }: GraphPart,
    n: number,
    outs: ReadonlyMap<string, Float32Array>,
    before: Read,
    after: Read,
  ): HostStep | undefined {
    const given = sources.flatMap((source) => outs.get(source.part) ?? []);
    const out = outs.get(layer);
    if (!out || given.length < sources.length) return undefined;
    const states = (from: Read) =>
      new Map(
        graph.states.flatMap(({ key, shape }) => {
          const data = from.get(layer)?.get(key.slice(layer.length + 1));
          return data?.length === n * size(shape) ? [[key, this.scaled(key, data)] as const] : [];
        }),
      );
    const [old, now] = [states(before), states(after)];
    return old.size < graph.states.length ? undefined : { n, given, out, before: old, after: now };
  }

  private scaled(key: string, data: Float32Array): Float32Array {
    const scale = this.scales.get(key);
    if (!scale) return data;
    const scaled = new Float32Array(data.length);
    const { length } = scale;
    for (let i = 0, c = 0; i < data.length; i++, c = c + 1 === length ? 0 : c + 1)
      scaled[i] = data[i] * scale[c];
    return scaled;
  }
}

/** States of a network as numbers, by layer and variable. */
type Read = ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;

const read = (state: NetworkState): Read =>
  new Map(
    Object.entries(state).map(([layer, variables]) => [
      layer,
      new Map(Object.entries(variables).map(([name, tensor]) => [name, numbers(tensor)])),
    ]),
  );

/** A tensor's numbers; reading gives a copy. */
const numbers = (tensor: tf.Tensor): Float32Array => tensor.dataSync<'float32'>();
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
