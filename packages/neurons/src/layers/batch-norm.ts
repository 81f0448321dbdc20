import { batchNorm, tf, type Running, type Statistics } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { positive } from './checks.js';
import { asFloat, oneShape } from './fold.js';
import { NormWeights } from './norm-weights.js';
import { PerStepLayer, type LayerArgs } from './per-step-layer.js';
import type { PartOptions, Resumable, Stepped } from './stateful.js';

export interface BatchNormArgs extends LayerArgs {
  /** Statistics of each time step, or of the whole sequence. Default `step`. */
  statistics?: Statistics;
  /** Where gamma starts: 1, or 0 to start a residual block as the identity. Default 1. */
  gamma?: number;
}

/**
 * BatchNorm over sequences, `[B, T, ..., C] -> [B, T, ..., C]`: PyTorch's (epsilon 1e-5, momentum 0.1, unbiased running
 * variance), with statistics per time step, as a network that is called once a step has them, or over the sequence.
 *
 * Weights: `<layer>/gamma`, `/beta`, `/mean`, `/variance`.
 *
 * @example
 * const out = new BatchNorm({ name: 'conv/norm' }).apply(tf.randomNormal([2, 4, 8, 8, 16]), { training: true });
 */
export class BatchNorm extends PerStepLayer implements Resumable {
  static readonly className = 'BatchNorm';
  readonly statistics: Statistics;
  private readonly gamma: number;
  private norm: NormWeights | undefined;

  constructor({ statistics = 'step', gamma = 1, name }: BatchNormArgs = {}) {
    super(name === undefined ? {} : { name });
    this.statistics = statistics;
    this.gamma = gamma;
    if (!['step', 'sequence'].includes(statistics)) {
      throw new LayerError(
        this.name,
        `statistics "${String(statistics)}" is unknown; use "step" or "sequence"`,
      );
    }
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = positive(oneShape(inputShape, this.name).at(-1), 'the number of channels', this.name);
    const start = { gamma: this.gamma, beta: 0, mean: 0, variance: 1 };
    this.norm = new NormWeights((name, trainable) =>
      this.addWeight(
        name,
        [channels],
        'float32',
        tf.initializers.constant({ value: start[name] }),
        undefined,
        trainable,
      ),
    );
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape, this.name);
  }

  /**
   * The sequence form as a function: it leaves the running statistics as they are, and gives those that follow.
   *
   * @param x `[B, T, ..., C]`
   * @param options `bias` `[C]` is added to x first: that of the convolution in front, in the same pass over memory
   */
  run(
    x: tf.Tensor,
    { training = false, bias }: PartOptions & { readonly bias?: tf.Tensor | undefined } = {},
  ): Stepped & { readonly running?: Running } {
    if (!this.norm) throw new LayerError(this.name, 'is used before it is built');
    const options = { training, statistics: this.statistics, ...(bias && { bias }) };
    return { ...batchNorm(asFloat(x), this.norm.read(), options), state: {} };
  }

  /** Takes running statistics that {@link run} gave for its own. */
  advance(running: Running | undefined): void {
    if (running) this.norm?.advance(running);
  }

  protected transform(x: tf.Tensor, training: boolean): tf.Tensor {
    const { out, running } = this.run(x, { training });
    this.advance(running);
    return out;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), statistics: this.statistics, gamma: this.gamma };
  }
}

tf.serialization.registerClass(BatchNorm);
