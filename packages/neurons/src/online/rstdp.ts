import { tf } from '@bidl/engine';
import { positive } from '../layers/checks.js';
import { LayerError } from '../errors.js';
import {
  advanceTraces,
  groupReward,
  stdp,
  zeroTraces,
  type Rates,
  type Spikes,
  type TraceOptions,
  type Traces,
} from './plasticity.js';

export interface RstdpArgs extends TraceOptions {
  readonly class_num: number;
  /** Neurons of each class. */
  readonly neurons_num: number;
  /** Rates at a presynaptic and at a postsynaptic spike. Default [1e-4, 1e-3]. */
  readonly nu?: Rates;
}

/** A change of the weights, `[pre, post]`, and the traces for the next step. */
export interface Learned {
  readonly deltaW: tf.Tensor2D;
  readonly traces: Traces;
}

/**
 * Reward-modulated STDP of one linear synapse: {@link stdp} times the {@link groupReward} of each neuron. Its traces are
 * a value, given in and handed back. Izhikevich 2007, "Solving the distal reward problem through linkage of STDP and
 * dopamine signaling"; traces, order and rates after Lynxi BIDL 1.9, `stdp.py`.
 *
 * @throws LayerError when an argument is out of range, or spikes and label don't fit the classes.
 *
 * @example
 * const rule = new Rstdp({ class_num: 2, neurons_num: 1 });
 * const spikes = { pre: tf.tensor1d([1, 0, 1]), post: tf.tensor1d([0, 1]) };
 * const { deltaW } = rule.learn(rule.initialTraces(3), spikes, tf.tensor1d([1, 0])); // [3, 2]; -0.0009 at [0, 1]
 */
export class Rstdp {
  readonly post: number;
  private readonly nu: Rates;

  constructor(private readonly args: RstdpArgs) {
    const { class_num, neurons_num, nu = [1e-4, 1e-3] } = args;
    this.post = positive(class_num, 'class_num', NAME) * positive(neurons_num, 'neurons_num', NAME);
    this.nu = nu;
    for (const key of ['tau_pre', 'tau_post', 'dt'] as const) {
      const value = args[key] ?? 1;
      if (!(value > 0)) throw new LayerError(NAME, `${key} is ${value}; give a number above 0`);
    }
    if (nu.length !== 2 || !nu.every(Number.isFinite)) {
      throw new LayerError(NAME, `nu is ${JSON.stringify(nu)}; give two rates, [pre, post]`);
    }
  }

  /** Traces before the first step. */
  initialTraces(pre: number): Traces {
    return zeroTraces(pre, this.post);
  }

  /** @param label one-hot, `[class_num]` */
  learn(traces: Traces, spikes: Spikes, label: tf.Tensor1D): Learned {
    if (spikes.post.size !== this.post || label.size !== this.args.class_num) {
      throw new LayerError(
        NAME,
        `has ${this.args.class_num} classes of ${this.args.neurons_num} neurons, but got ${spikes.post.size} spikes ` +
          `and a label of ${label.size}; give spikes [${this.post}] and a one-hot label [${this.args.class_num}]`,
      );
    }
    const next = advanceTraces(traces, spikes, this.args);
    const reward = groupReward(spikes.post, label, this.args.neurons_num);
    return { deltaW: stdp(next, spikes, this.nu).mul(reward), traces: next };
  }
}

const NAME = 'rstdp';
