import { checkpoint, tf } from '@bidl/engine';
import { StepError } from '../errors.js';
import { BatchNorm } from '../layers/batch-norm.js';
import { isResumable, type Resumable, type State } from '../layers/stateful.js';
import { valueOf, type NetworkState, type Watch } from '../stepper/stepper.js';
import { walk } from '../stepper/walk.js';
import { joined, type JoinedPlace } from './joined.js';
import { betweenSpikes, onePlaceEach, runsAsFunction, type Segment } from './segments.js';

/**
 * What is kept between forward and backward pass. `full`: all that the backward pass needs. `lean`: the spikes between
 * layers; the rest is computed again, which takes another forward pass and gives the same gradients bit for bit.
 */
export type Memory = (typeof MEMORY)[number];
export const MEMORY = ['full', 'lean'] as const;

export interface SequenceOptions {
  /** BatchNorm with the batch's own statistics, which the running ones follow; training noise. Default false. */
  readonly training?: boolean;
  /** Number of the training iteration: noise is a function of seed, layer and this. Default 0. */
  readonly iteration?: number;
  /** Default `full`. */
  readonly memory?: Memory;
  /** Sees every layer's inputs and output, `[B, T, ...]`; the tensors live until it returns. */
  readonly watch?: Watch;
  /** Makes something of a layer's inputs and output, `[B, T, ...]`, that outlives the run: see {@link PartRun.collected}. */
  readonly collect?: Collect;
}

/**
 * Sees one layer's inputs and output over a sequence, `[B, T, ...]`, and the state that it started from if it was given
 * one; may make a tensor of them.
 */
export type Collect = (
  layer: tf.layers.Layer,
  inputs: readonly tf.Tensor[],
  out: tf.Tensor,
  state: State | undefined,
) => tf.Tensor | undefined;

export interface PartOptions extends SequenceOptions {
  /** State to start from, as an earlier part gave it; layers left out start anew. */
  readonly state?: NetworkState | undefined;
}

export interface PartRun {
  readonly out: tf.Tensor;
  /** State after the last step of every layer that runs in parts. */
  readonly state: NetworkState;
  /** What `collect` made, in the order of the layers. */
  readonly collected: tf.Tensor[];
}

/**
 * What computes a network over sequences `[B, T, ...]`: its layers in order, a 2x2 max-pooling that alone follows
 * spiking neurons in their own pass over memory, a convolution's bias in that of the BatchNorm behind it, every value
 * freed when the last layer that needs it has had it.
 *
 * @param inParts start every layer that can from a state, the aggregation too; else spiking layers only
 * @throws StepError for a model with several inputs or outputs.
 */
export function executor(
  model: tf.LayersModel,
  inParts: boolean,
): (x: tf.Tensor, options?: PartOptions) => PartRun {
  const { input, output, places } = walk(model);
  const together = joined(places, output);
  const alone = (place: JoinedPlace) => betweenSpikes([place], place.output);
  // Those who look on want every layer's own value.
  const segments = {
    full: { joined: onePlaceEach(together), apart: onePlaceEach(places) },
    lean: { joined: betweenSpikes(together, output), apart: places.flatMap(alone) },
  };

  function compute(place: JoinedPlace, given: readonly tf.Tensor[], options: PartOptions): Made {
    const { training = false, iteration = 0, state } = options;
    const { layer, timed, pool, convolution } = place;
    const [first] = given;
    const resumes = inParts && timed && given.length === 1 && isResumable(layer);
    if (!first || !(resumes || runsAsFunction(place))) {
      const inputs = given.length === 1 && first ? first : [...given];
      return { out: layer.apply(inputs, { training, iteration }) as tf.Tensor };
    }
    if (convolution && layer instanceof BatchNorm) {
      return layer.run(convolution.current(first), { training, bias: convolution.bias() });
    }
    const from = state?.[layer.name];
    return (layer as tf.layers.Layer & Resumable).run(first, {
      training,
      iteration,
      ...(pool && { pool }),
      ...(from && { state: from }),
    });
  }

  /** @param advances running statistics follow the batch's */
  function evaluate(
    { places, inputs, output }: Segment,
    given: readonly tf.Tensor[],
    options: PartOptions,
    advances: boolean,
  ): Evaluated {
    const values = new Map(given.map((value, i) => [inputs[i]?.id, value]));
    const state: Record<string, State> = {};
    for (const place of places) {
      const { layer } = place;
      const tensors = place.inputs.map((symbol) => valueOf(values, symbol, layer.name));
      const made = compute(place, tensors, options);
      if (advances && made.running) (layer as tf.layers.Layer & Partial<Resumable>).advance?.(made.running);
      if (made.state) state[layer.name] = made.state;
      values.set(place.output.id, made.out);
    }
    return { out: valueOf(values, output, model.name), state };
  }

  /** The same, and nothing is kept for the backward pass but what is given. */
  function evaluateAgain(
    segment: Segment,
    given: readonly tf.Tensor[],
    options: PartOptions,
    advances: boolean,
  ): Evaluated {
    let names: (readonly [layer: string, names: readonly string[]])[] | undefined;
    const { out, aside } = checkpoint(
      (tensors) => {
        const made = evaluate(segment, tensors, options, advances && !names);
        if (names) return made;
        names = Object.entries(made.state).map(([layer, state]) => [layer, Object.keys(state)]);
        const states = Object.values(made.state).flatMap((state) => Object.values(state));
        return { ...made, aside: states.map((t) => t.clone()) };
      },
      {
        inputs: given,
        weights: segment.places.flatMap(weightsOf),
        isData: (i) => segment.inputs[i]?.id === input.id,
      },
    );
    const tensors = aside.values();
    const stateOf = (of: readonly string[]) =>
      Object.fromEntries(of.map((name) => [name, tensors.next().value as tf.Tensor]));
    return { out, state: Object.fromEntries((names ?? []).map(([layer, of]) => [layer, stateOf(of)])) };
  }

  return (x, options = {}) =>
    tf.tidy(() => {
      const { training = false, memory = 'full', watch, collect } = options;
      if (!MEMORY.includes(memory)) {
        throw new StepError(model.name, `memory "${String(memory)}" is unknown; use ${MEMORY.join(' or ')}`);
      }
      const next: Record<string, State> = {};
      const values = new Map<number, tf.Tensor>([[input.id, x]]);
      const collected: tf.Tensor[] = [];
      const order = segments[memory][watch || collect ? 'apart' : 'joined'];
      const waiting = readers(order);
      for (const segment of order) {
        const [last] = segment.places.slice(-1) as [JoinedPlace];
        const given = segment.inputs.map((symbol) => valueOf(values, symbol, last.layer.name));
        const { out, state } = (segment.repeatable ? evaluateAgain : evaluate)(
          segment,
          given,
          options,
          training,
        );
        Object.assign(next, state);
        // A sum so far is output and state in one: the state must outlive the output.
        const isState = Object.values(state[last.layer.name] ?? {}).includes(out);
        values.set(segment.output.id, isState ? out.clone() : out);
        watch?.(last.layer, given, out);
        const made = collect?.(last.layer, given, out, options.state?.[last.layer.name]);
        if (made) collected.push(made);
        for (const { id } of segment.inputs) {
          const left = (waiting.get(id) ?? 1) - 1;
          waiting.set(id, left);
          if (left === 0 && id !== input.id) values.get(id)?.dispose();
        }
      }
      return { out: valueOf(values, output, model.name), state: next, collected };
    });
}

/** What a layer gives. */
type Made = { readonly out: tf.Tensor } & Partial<ReturnType<Resumable['run']>>;

/** What a segment gives: its value, and the state of its layers. */
interface Evaluated {
  readonly out: tf.Tensor;
  readonly state: NetworkState;
}

/** The trained weights of what a place computes. */
const weightsOf = ({ layer, convolution }: JoinedPlace): tf.Tensor[] =>
  [...(convolution?.trainableWeights ?? []), ...layer.trainableWeights].map((weight) => weight.read());

/** How many segments read each value. */
function readers(order: readonly Segment[]): Map<number, number> {
  const count = new Map<number, number>();
  for (const { inputs } of order) for (const { id } of inputs) count.set(id, (count.get(id) ?? 0) + 1);
  return count;
}
