import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { values } from '../init/torch-default.js';
import { positive } from './checks.js';
import { revive } from './config.js';
import { oneShape, oneTensor } from './fold.js';
import type { PartOptions, Resumable, State, Stepped } from './stateful.js';

export interface DelayArgs {
  /** Whole steps: one number for the layer, or one for each channel. With `learn` they start there. Default 1. */
  readonly delay?: number | readonly number[];
  /** The longest delay, in steps; how much of the past is kept. Default: the longest of `delay`. */
  readonly max_delay?: number;
  /** Train the delays. Default false. */
  readonly learn?: boolean;
  readonly name?: string;
}

/**
 * Delays each channel by whole time steps, `[B, T, ..., C] -> [B, T, ..., C]`: behind a layer of neurons an axonal delay,
 * in front of a synapse a delay of its inputs. Before the first input there is silence.
 *
 * A learned delay is a weight `<layer>/delay` `[C]` of any value, rounded and kept within 0 and `max_delay` where it is
 * used, in training too, so that what is trained is what runs. Its gradient is the difference that one step more makes,
 * Σ dy_t·(x_{t−d−1} − x_{t−d}). Shrestha and Orchard 2018, "SLAYER: spike layer error reassignment in time".
 *
 * @example
 * const out = new Delay({ delay: 3 }).apply(tf.ones([1, 10, 4])); // three silent steps first
 */
export class Delay extends tf.layers.Layer implements Resumable {
  static readonly className = 'Delay';
  readonly max_delay: number;
  private readonly start: readonly number[];
  private readonly learn: boolean;
  private delay: tf.LayerVariable | undefined;

  constructor({ delay = 1, max_delay, learn = false, name }: DelayArgs = {}) {
    super(name === undefined ? {} : { name });
    this.start = typeof delay === 'number' ? [delay] : delay;
    this.learn = learn;
    const longest = Math.max(1, ...this.start.map(Math.ceil));
    this.max_delay = positive(max_delay ?? longest, 'max_delay', this.name);
    for (const steps of this.start) {
      if (Number.isInteger(steps) && steps >= 0 && steps <= this.max_delay) continue;
      throw new LayerError(
        this.name,
        `delay is ${steps}; give whole steps from 0 to max_delay (${this.max_delay})`,
      );
    }
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = oneShape(inputShape, this.name).at(-1);
    const { start } = this;
    if (start.length !== 1 && start.length !== channels) {
      throw new LayerError(
        this.name,
        `delay has ${start.length} values where the input has ${channels} channels; give one value or ${channels}`,
      );
    }
    const size = positive(channels, 'the number of channels', this.name);
    this.delay = this.addWeight('delay', [size], 'float32', values(start), undefined, this.learn);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape, this.name);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.run(oneTensor(inputs, this.name)).out);
  }

  /** The `max_delay` inputs before the first one: silence, `[B, max_delay, ..., C]`. */
  initialState([batch = 1, ...rest]: readonly number[]): State {
    return { past: tf.zeros([batch, this.max_delay, ...rest]) };
  }

  /** A part of a sequence, `[B, T, ..., C]`, after the inputs that `state` holds. */
  run(x: tf.Tensor, { state }: PartOptions = {}): Stepped {
    const [batch = 1, steps = 1, ...rest] = x.shape;
    if (rest.length === 0) {
      throw new LayerError(this.name, `needs [B, T, ..., C], got [${x.shape.join(', ')}]`);
    }
    const { past = tf.zeros([batch, this.max_delay, ...rest]) } = state ?? {};
    const line = tf.concat([past, x.toFloat()], 1);
    const channels = rest.at(-1) ?? 1;
    // Time as the rows of an image: a delay is a convolution along them with a kernel that is 1 in one place.
    const rows = line.reshape<tf.Tensor4D>([batch, steps + this.max_delay, -1, channels]);
    const out = tf.depthwiseConv2d(rows, this.kernel(), 1, 'valid');
    const last = line.slice([0, steps], [-1, this.max_delay]);
    return { out: out.reshape(x.shape), state: { past: last } };
  }

  /** One time step, `[B, ..., C]`. */
  step(x: tf.Tensor, state: State): Stepped {
    const { out, state: next } = this.run(x.expandDims(1), { state });
    return { out: out.squeeze([1]), state: next };
  }

  /** Each channel's delay as it is used, in steps; none before the layer is built. */
  wholeDelays(): number[] {
    const { delay, max_delay } = this;
    return delay ? tf.tidy(() => Array.from(whole(delay.read(), max_delay).dataSync())) : [];
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { max_delay, learn, start } = this;
    return { ...super.getConfig(), max_delay, learn, delay: [...start] };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(revive(config));
  }

  /** 1 at each channel's delay, counted from the kernel's end, `[max_delay + 1, 1, C, 1]`. */
  private kernel(): tf.Tensor4D {
    if (!this.delay)
      throw new LayerError(this.name, 'is used before it is built: apply it to an input first');
    return placed(this.delay.read(), this.max_delay);
  }
}

/** Delays of any value as steps. */
const whole = (delay: tf.Tensor, longest: number): tf.Tensor => tf.clipByValue(tf.round(delay), 0, longest);

/**
 * Where each channel's delay points to. The gradient to the delay moves the 1 by a step: as between two whole delays
 * d and d + 1 the kernel were mixed of both.
 */
const placed = (delay: tf.Tensor, longest: number): tf.Tensor4D => {
  const at = (d: tf.Tensor) => tf.range(longest, -1, -1).expandDims(1).equal(d.expandDims(0)).toFloat();
  const place = tf.customGrad((d, save) => {
    (save as tf.GradSaveFunc)([d as tf.Tensor]);
    return {
      value: at(whole(d as tf.Tensor, longest)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const now = whole(saved[0] ?? delay, longest);
        return dy.mul(at(now.add(1)).sub(at(now))).sum(0);
      },
    };
  });
  return place(delay).reshape([longest + 1, 1, delay.size, 1]);
};

tf.serialization.registerClass(Delay);
