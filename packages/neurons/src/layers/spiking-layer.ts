import { showState, type NeuronDefinition, type Surrogate } from '@bidl/dynamics';
import {
  batchNorm,
  neuronScan,
  neuronStep,
  tf,
  type Norm,
  type Running,
  type ScanArgs,
  type ScanResult,
  type Statistics,
} from '@bidl/engine';
import { LayerError } from '../errors.js';
import { values } from '../init/torch-default.js';
import { seedFor } from '../init/seed.js';
import { revive, savedSurrogate } from './config.js';
import { asFloat, oneShape, oneTensor } from './fold.js';
import { lifMembrane, ownMembrane, type Membrane, type OutputArgs } from './membrane.js';
import { isDefinition, resolveNeuron, type NeuronArg } from './neuron-arg.js';
import { NormWeights } from './norm-weights.js';
import { resolveSoma, type SomaArg } from './soma.js';
import type { PartOptions, Resumable, State, Stepped } from './stateful.js';
import { resolveSurrogate, type SpikeFunc } from './surrogate-arg.js';

/** How the scan over time is computed: the fused kernel, composed tfjs ops, or whichever the backend has. */
export type Form = 'auto' | 'fused' | 'composed';

type LayerArgs = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;

/** Arguments that every spiking layer takes, by upstream's names. */
export interface SpikingArgs extends LayerArgs, OutputArgs {
  /**
   * Another neuron than LIF: one of `NEURONS` by name (with options: `{ type: 'PLIF', reset: 'subtract' }`), or a
   * definition of your own (`defineNeuron`). `mode` and `memb_mode` are LIF's and stay out.
   */
  neuron?: NeuronArg;
  /** The neurons' parameters: they become weights of the layer. Default `all_share`. */
  soma_params?: SomaArg;
  /** Scale of the training noise on the membrane, in its spatial standard deviations. Default 0. */
  noise?: number;
  /** Surrogate of the spike's derivative. Default Rectangle. */
  spike_func?: SpikeFunc;
  /** Accepted for upstream's configs: the whole sequence always goes through one call, so it changes nothing. */
  use_inner_loop?: boolean;
  /** Accepted for upstream's configs: the batch is read off the input, so it changes nothing. */
  it_batch?: number;
  /** Over what a BatchNorm in front of the membrane takes its statistics. Default `step`. */
  statistics?: Statistics;
  /** The run's seed, for the start of the weights and for noise. Default 0. */
  seed?: number;
  /** Default `auto`. */
  form?: Form;
}

export interface RunOptions extends PartOptions {
  /** Pool the output 2x2 by maxima, in the neurons' own pass over memory. Default false. */
  readonly pool?: boolean;
  /** Give this state variable after each step instead of the output: `show: 'v'` is the membrane. */
  readonly show?: string;
}

export interface Run {
  /** `[B, T, ...]` */
  readonly out: tf.Tensor;
  /** State after the last step. */
  readonly state: State;
  /** Running statistics after this sequence; only in training, and only with a BatchNorm. */
  readonly running?: Running;
}

/** Where a BatchNorm sits: on input + membrane inside the recurrence, in front of it, or nowhere. */
export type NormPlace = 'inside' | 'before' | 'none';

/**
 * A synapse and the neurons behind it, LIF unless told otherwise, over whole sequences `[B, T, ...]`.
 *
 * The layer keeps weights, never a membrane: `run` starts from a given state (zeros by default) and gives the
 * last one back, and `step` does the same for one time step. Weights are named after the neuron's parameters,
 * `<layer>/alpha`, `/beta`, `/theta`, `/v_0`, and with a BatchNorm `<layer>/norm/gamma`, `/norm/beta`, `/norm/mean`,
 * `/norm/variance`.
 */
export abstract class SpikingLayer extends tf.layers.Layer implements Resumable {
  readonly neuron: NeuronDefinition;
  readonly surrogate: Surrogate;
  readonly noise: number;
  readonly seed: number;
  readonly statistics: Statistics;
  /** May be switched between calls; see {@link Form}. */
  form: Form;
  private readonly spiking: SpikingArgs;
  private readonly membrane: Membrane;
  private soma: Record<string, Weight> = {};
  private norm: NormWeights | undefined;
  private readonly shown = new Map<string, NeuronDefinition>();

  constructor(args: SpikingArgs) {
    super(layerArgs(args));
    this.spiking = args;
    this.membrane = this.membraneOf(args);
    this.neuron = this.membrane.neuron;
    this.surrogate = resolveSurrogate(args.spike_func, this.name);
    this.noise = args.noise ?? 0;
    this.seed = args.seed ?? 0;
    this.statistics = args.statistics ?? 'step';
    this.form = args.form ?? 'auto';
    if (!(this.noise >= 0)) throw new LayerError(this.name, `noise is ${this.noise}; give 0 or more`);
    if (!['step', 'sequence'].includes(this.statistics)) {
      throw new LayerError(this.name, `statistics "${this.statistics}" is unknown; use "step" or "sequence"`);
    }
    this.supportsMasking = false;
  }

  /** The neurons; called once, by the constructor. */
  protected membraneOf(args: SpikingArgs): Membrane {
    if (args.neuron === undefined) return lifMembrane(args);
    return ownMembrane(resolveNeuron(args.neuron, this.name), args, this.name);
  }
  /** Where the BatchNorm sits. */
  abstract readonly normPlace: NormPlace;
  /** The shape of the neurons' input for an input of `[B, T, ...]`. */
  protected abstract currentShape(inputShape: tf.Shape): tf.Shape;
  /** The synapse without its bias: `[B, T, ...] -> [B, T, ...]`. */
  protected abstract current(x: tf.Tensor): tf.Tensor;
  /** The synapse's bias, `[C]`, where it has one. The scan adds it, which saves a pass over memory. */
  protected bias(): tf.Tensor | undefined {
    return undefined;
  }
  /** Adds the synapse's weights. */
  protected abstract buildSynapse(inputShape: tf.Shape): void;

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = oneShape(inputShape, this.name);
    const channels = this.currentShape(shape).at(-1);
    if (typeof channels !== 'number') {
      throw new LayerError(this.name, 'needs to know its number of channels: give an input shape with it');
    }
    this.buildSynapse(shape);
    if (this.normPlace !== 'none') {
      const { ones, zeros } = tf.initializers;
      const starts = { gamma: ones, beta: zeros, mean: zeros, variance: ones };
      this.norm = new NormWeights((name, trainable) =>
        this.addWeight(`norm/${name}`, [channels], 'float32', starts[name](), undefined, trainable),
      );
    }
    const params = this.spiking.soma_params ?? 'all_share';
    for (const { name, shape: size, values: start, learn } of resolveSoma(
      this.membrane.soma,
      params,
      channels,
      this.name,
      this.seed,
    )) {
      this.soma[name] = this.addWeight(name, size, 'float32', values(start), undefined, learn);
    }
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return this.currentShape(oneShape(inputShape, this.name));
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Kwargs): tf.Tensor {
    return tf.tidy(() => {
      const training = kwargs['training'] === true;
      const { out, running } = this.run(oneTensor(inputs, this.name), {
        training,
        iteration: Number(kwargs['iteration'] ?? 0),
      });
      this.advance(running);
      return out;
    });
  }

  /** Takes running statistics that {@link run} gave for its own. */
  advance(running: Running | undefined): void {
    if (running) this.norm?.advance(running);
  }

  /**
   * The sequence form as a function: changes nothing in the layer, not even running statistics.
   *
   * @param x `[B, T, ...]`
   */
  run(x: tf.Tensor, { training = false, state, iteration = 0, pool = false, show }: RunOptions = {}): Run {
    const input = asFloat(x);
    const neuron = show === undefined ? this.neuron : this.showing(show);
    const args = {
      params: this.params(),
      ...(state && { state }),
      ...(this.normPlace === 'inside' && { norm: this.readNorm() }),
      surrogate: this.surrogate,
      ...(this.noise > 0 &&
        this.membrane.noisy && {
          noise: this.noise,
          seed: seedFor(this.seed, `${this.name}/noise/${iteration}`),
        }),
      training,
      pool,
      form: this.form,
    };
    const bias = this.bias();
    if (this.normPlace === 'before') {
      const { statistics } = this;
      const options = { training, statistics, ...(bias && { bias }) };
      const normed = batchNorm(this.current(input), this.readNorm(), options);
      const { out, state: last } = this.scan({ ...args, x: normed.out }, neuron);
      return { out, state: last, ...(normed.running && { running: normed.running }) };
    }
    const inputs = { ...args, ...(bias && { bias }) };
    const {
      out,
      state: last,
      running,
    } = this.synapseAndScan(input, inputs, neuron) ??
    this.scan({ ...inputs, x: this.current(input) }, neuron);
    return { out, state: last, ...(running && { running }) };
  }

  /** The synapse and the neurons in one pass over memory, where both are computed together; undefined elsewhere. */
  protected synapseAndScan(
    _x: tf.Tensor,
    _args: Omit<ScanArgs, 'x'>,
    _neuron: NeuronDefinition,
  ): ScanResult | undefined {
    return undefined;
  }

  /** The neurons over a whole sequence. */
  protected scan(args: ScanArgs, neuron: NeuronDefinition): ScanResult {
    return neuronScan(neuron, args);
  }

  /** Whether the output is spikes, rather than a membrane. */
  get spikes(): boolean {
    return this.spiking.mode !== 'analog' && this.neuron.spikes !== false;
  }

  /** The same neurons with a state variable for their output; one definition for each, since kernels are kept by it. */
  private showing(name: string): NeuronDefinition {
    const known = this.shown.get(name);
    if (known) return known;
    if (!(name in this.neuron.state)) {
      const names = Object.keys(this.neuron.state).join(', ');
      throw new LayerError(this.name, `has no state "${name}" to show; it has ${names}`);
    }
    const made = showState(this.neuron, name);
    this.shown.set(name, made);
    return made;
  }

  /** The neurons' initial state for a batch of single time steps `[B, ...]` (no T). The caller disposes of them. */
  initialState(inputShape: readonly number[]): State {
    const [batch = 1, ...rest] = inputShape;
    const shape = this.currentShape([batch, 1, ...rest]).map((size) => size ?? 1);
    const perStep = [batch, ...shape.slice(2)];
    return Object.fromEntries(
      Object.entries(this.neuron.state).map(([name, start]) => [name, tf.fill(perStep, start)]),
    );
  }

  /** One time step in evaluation mode: `[B, ...] -> [B, ...]`, state in and state out. */
  step(x: tf.Tensor, state: State): Stepped {
    const synapse = this.current(asFloat(x).expandDims(1));
    const bias = this.bias();
    let current = synapse;
    if (this.normPlace === 'before') {
      const evaluation = { training: false, statistics: this.statistics, ...(bias && { bias }) };
      current = batchNorm(synapse, this.readNorm(), evaluation).out;
    } else if (bias) current = synapse.add(bias);
    return this.scanStep({
      x: current.squeeze([1]),
      params: this.params(),
      state,
      ...(this.normPlace === 'inside' && { norm: this.readNorm() }),
      surrogate: this.surrogate,
    });
  }

  /** The neurons in one step. */
  protected scanStep(args: Parameters<typeof neuronStep>[1]): Stepped {
    return neuronStep(this.neuron, args);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { neuron } = this.spiking;
    if (neuron !== undefined && isDefinition(neuron)) {
      throw new LayerError(
        this.name,
        `has a neuron of its own ("${this.neuron.name}"), which a saved model can't hold; save the weights instead`,
      );
    }
    const own = Object.entries(this.spiking).filter(([key]) => !PLACEMENT.has(key));
    return {
      ...super.getConfig(),
      ...(Object.fromEntries(own) as tf.serialization.ConfigDict),
      spike_func: savedSurrogate(this.spiking.spike_func, this.surrogate, this.name),
      form: this.form,
    };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(revive(config));
  }

  /** The neuron's parameters, by the names that its equations use: `[]` or `[C]` each. */
  params(): Record<string, tf.Tensor> {
    const read = (name: string) => {
      const weight = this.soma[name];
      if (!weight) throw new LayerError(this.name, 'is used before it is built: apply it to an input first');
      return weight.read();
    };
    const places = Object.keys(this.neuron.params).map((name) => [name, this.paramWeight(name)] as const);
    return Object.fromEntries(places.map(([name, weight]) => [name, read(weight)]));
  }

  /** The weight that holds a parameter of the neuron; upstream, and so this layer's weights, spell v0 as v_0. */
  paramWeight(param: string): string {
    return this.membrane.weightNames?.[param] ?? param;
  }

  private readNorm(): Norm {
    if (!this.norm) throw new LayerError(this.name, 'is used before it is built: apply it to an input first');
    return this.norm.read();
  }
}

/** Arguments that tell tfjs where a layer stands; a saved model keeps them itself. */
const PLACEMENT: ReadonlySet<string> = new Set(['inputShape', 'batchInputShape', 'batchSize', 'weights']);

type Weight = tf.LayerVariable;
type Kwargs = Parameters<tf.layers.Layer['call']>[1];

/** What tfjs's own layer constructor understands. */
function layerArgs(args: SpikingArgs): LayerArgs {
  const { name, inputShape, batchInputShape, batchSize, dtype, trainable, weights } = args;
  return Object.fromEntries(
    Object.entries({ name, inputShape, batchInputShape, batchSize, dtype, trainable, weights }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
