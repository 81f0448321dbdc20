import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { seedFor } from '../init/seed.js';
import type { Rates, TraceOptions } from '../online/plasticity.js';
import { Rstdp } from '../online/rstdp.js';
import { positive } from './checks.js';
import { fold, unfold } from './fold.js';
import { SpikingLayer, type NormPlace, type SpikingArgs } from './spiking-layer.js';
import type { State } from './stateful.js';

export interface AdaptiveFcLifArgs extends SpikingArgs, TraceOptions {
  input_channel?: number;
  /** Neurons: `class_num * neurons_num`. */
  hidden_channel: number;
  class_num: number;
  /** Neurons of each class. */
  neurons_num: number;
  /** Rates of RSTDP at a presynaptic and at a postsynaptic spike. Default [1e-4, 1e-3]. */
  nu?: Rates;
  /** BatchNorm on input + membrane; statistics of one sample would be no statistics while learning. Default off. */
  norm_state?: false;
}

export interface LearnOptions {
  /** State and traces to start from, as an earlier call gave them. */
  readonly state?: State;
  /** For each step whether it changes the weights, `[T]`. Default: all do. */
  readonly finetune?: ArrayLike<number>;
}

export interface OnlineRun {
  /** `[1, T, hidden_channel]` */
  readonly out: tf.Tensor;
  /** Membranes and traces after the last step. */
  readonly state: State;
  /** The weights after every step, `[F, hidden_channel]` each. */
  readonly kernels: readonly tf.Tensor2D[];
}

/** How a synapse stores its weights: multiplied by `scale`, within ±limit. */
interface Storage {
  readonly scale: number;
  readonly limit: number;
  readonly nu: Rates;
}

/**
 * A linear synapse without bias and LIF neurons that learn while they run, by reward-modulated STDP: `[B, T, F] ->
 * [B, T, hidden_channel]`. Applied like any layer it only infers; {@link learn} gives what the weights become, and
 * {@link adopt} takes them.
 *
 * Weights: `<layer>/kernel` `[F, hidden_channel]`, starting uniform within ±1, and those of {@link SpikingLayer}.
 * Source: Lynxi BIDL 1.9, `lif.py`.
 *
 * @example
 * const layer = new AdaptiveFcLif({ hidden_channel: 4, class_num: 2, neurons_num: 2 });
 * const { kernels } = layer.learn(tf.ones([1, 10, 6]), tf.tensor1d([1, 0]));
 * layer.adopt(kernels[9]);
 */
export class AdaptiveFcLif extends SpikingLayer {
  static readonly className: string = 'AdaptiveFcLif';
  readonly normPlace: NormPlace = 'none';
  private readonly units: number;
  private readonly inputChannels: number | undefined;
  private readonly rule: Rstdp;
  private kernel: tf.LayerVariable | undefined;

  constructor(args: AdaptiveFcLifArgs) {
    super(args);
    const { hidden_channel, class_num, neurons_num, nu = this.storage().nu } = args;
    this.units = positive(hidden_channel, 'hidden_channel', this.name);
    this.inputChannels = args.input_channel;
    this.rule = new Rstdp({ ...args, nu });
    if (this.units !== this.rule.post) {
      throw new LayerError(
        this.name,
        `hidden_channel is ${this.units}, but ${class_num} classes of ${neurons_num} neurons are ${this.rule.post}`,
      );
    }
    if (args.norm_state) {
      throw new LayerError(this.name, 'learns from one sample at a time: norm_state must be false');
    }
  }

  protected storage(): Storage {
    return { scale: 1, limit: Infinity, nu: [1e-4, 1e-3] };
  }

  protected currentShape(inputShape: tf.Shape): tf.Shape {
    const [batch = null, steps = null, features] = inputShape;
    const wanted = this.inputChannels ?? features;
    if (inputShape.length !== 3 || features !== wanted) {
      throw new LayerError(
        this.name,
        `needs [B, T, ${wanted ?? 'F'}], got [${inputShape.join(', ')}]; put OverTime(flatten) in front of it`,
      );
    }
    return [batch, steps, this.units];
  }

  protected buildSynapse(inputShape: tf.Shape): void {
    const features = positive(inputShape[2], 'the number of input features', this.name);
    const seed = seedFor(this.seed, this.name);
    const start = tf.initializers.randomUniform({ minval: -1, maxval: 1, seed });
    this.kernel = this.addWeight('kernel', [features, this.units], 'float32', start);
  }

  protected current(x: tf.Tensor): tf.Tensor {
    return this.through(x, this.stored());
  }

  /**
   * Runs one sample and lets the synapse learn in every step, as a function: the layer's own weights stay as they are.
   *
   * @param x spikes, `[1, T, F]`
   * @param label one-hot, `[class_num]`
   * @throws LayerError for a batch of another size than 1.
   */
  learn(x: tf.Tensor3D, label: tf.Tensor1D, { state, finetune }: LearnOptions = {}): OnlineRun {
    const [batch, steps, features] = x.shape;
    if (batch !== 1) throw new LayerError(this.name, `learns from one sample at a time, got ${batch}`);
    if (finetune && finetune.length !== steps) {
      throw new LayerError(this.name, `finetune has ${finetune.length} values for ${steps} steps`);
    }
    if (!this.built) this.apply(x);
    const { scale, limit } = this.storage();
    return tf.tidy(() => {
      let kernel = this.stored();
      const begin = this.rule.initialTraces(features);
      let { pre = begin.pre, post = begin.post, ...own }: State = state ?? this.initialState([1, features]);
      const kernels: tf.Tensor2D[] = [];
      const outs = tf.unstack(x, 1).map((frame, t) => {
        const current = this.through(frame.expandDims(1), kernel).squeeze<tf.Tensor2D>([1]);
        const stepped = this.scanStep({
          x: current,
          state: own,
          params: this.params(),
          surrogate: this.surrogate,
        });
        own = stepped.state;
        const spikes = { pre: vector(frame), post: vector(stepped.out) };
        const learned = this.rule.learn({ pre: vector(pre), post: vector(post) }, spikes, label);
        ({ pre, post } = learned.traces);
        const moved = kernel.add<tf.Tensor2D>(learned.deltaW.mul(scale * (finetune?.[t] ?? 1)));
        kernel = Number.isFinite(limit) ? tf.clipByValue(moved, -limit, limit) : moved;
        kernels.push(kernel);
        return stepped.out;
      });
      return { out: tf.stack(outs, 1), state: { ...own, pre, post }, kernels };
    });
  }

  /** Takes weights that {@link learn} gave for its own. */
  adopt(kernel: tf.Tensor2D): void {
    this.stored();
    this.kernel?.write(kernel);
  }

  private stored(): tf.Tensor2D {
    if (!this.kernel)
      throw new LayerError(this.name, 'is used before it is built: apply it to an input first');
    return this.kernel.read() as tf.Tensor2D;
  }

  private through(x: tf.Tensor, kernel: tf.Tensor2D): tf.Tensor {
    const { scale } = this.storage();
    const weights = scale === 1 ? kernel : kernel.div<tf.Tensor2D>(scale);
    return unfold(tf.matMul(fold(x, this.name) as tf.Tensor2D, weights), x);
  }
}

/**
 * {@link AdaptiveFcLif} whose weights are stored 5000 times as large, for chips that compute in half precision, and kept
 * within ±65500. Default rates [1e-4, 1.3e-3].
 */
export class AdaptiveFcLifScale extends AdaptiveFcLif {
  static override readonly className: string = 'AdaptiveFcLif_Scale';

  protected override storage(): Storage {
    return { scale: 5000, limit: 65500, nu: [1e-4, 1.3e-3] };
  }
}

const vector = (x: tf.Tensor): tf.Tensor1D => x.reshape([x.size]);

tf.serialization.registerClass(AdaptiveFcLif);
tf.serialization.registerClass(AdaptiveFcLifScale);
