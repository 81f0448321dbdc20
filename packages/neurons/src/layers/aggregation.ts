import { tf } from '@bidl/engine';
import { LayerError, StepError } from '../errors.js';
import { oneShape, oneTensor } from './fold.js';
import type { PartOptions, Resumable, State, Stepped } from './stateful.js';

export type AggregationMode = 'mean' | 'sum' | 'pick';

export interface AggregationArgs {
  readonly mode?: AggregationMode;
  /** Axis of time, the batch being axis 0. Default 1. */
  readonly dim?: number;
  /** For `pick`: which step; −1 is the last. Default −1. */
  readonly idx?: number;
  /** For `mean`: divide the sum by this number instead of the number of steps. */
  readonly divisor?: number;
  readonly name?: string;
}

/**
 * Brings the time steps together: their mean, their sum, or one of them. `mean` and `sum` drop the axis, `pick`
 * keeps it with size 1, as upstream does.
 *
 * Stepping gives the running result: the sum so far (over `divisor`, or over the steps so far), or the picked
 * step once it has come.
 *
 * @example
 * new Aggregation({ mode: 'mean', divisor: 20 }).apply(tf.zeros([2, 10, 11])); // [2, 11]
 */
export class Aggregation extends tf.layers.Layer implements Resumable {
  static readonly className = 'Aggregation';
  readonly mode: AggregationMode;
  readonly dim: number;
  readonly idx: number;
  readonly divisor: number | undefined;

  constructor({ mode = 'mean', dim = 1, idx = -1, divisor, name }: AggregationArgs = {}) {
    super(name === undefined ? {} : { name });
    this.mode = mode;
    this.dim = dim;
    this.idx = idx;
    this.divisor = divisor ?? undefined;
    if (!['mean', 'sum', 'pick'].includes(mode)) {
      throw new LayerError(this.name, `mode ${JSON.stringify(mode)} is unknown; use "mean", "sum" or "pick"`);
    }
    if (!Number.isInteger(dim)) throw new LayerError(this.name, `dim is ${dim}; give the number of an axis`);
    if (!Number.isInteger(idx)) throw new LayerError(this.name, `idx is ${idx}; give the number of a step`);
    if (this.divisor !== undefined && !(this.divisor > 0)) {
      throw new LayerError(this.name, `divisor is ${divisor}; give a number above 0`);
    }
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = [...oneShape(inputShape, this.name)];
    const axis = this.axis(shape.length);
    if (this.mode === 'pick') shape[axis] = 1;
    else shape.splice(axis, 1);
    return shape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs, this.name);
      const axis = this.axis(x.rank);
      const steps = x.shape[axis] ?? 1;
      if (this.mode === 'pick') return this.pick(x, axis, steps);
      const sum = tf.sum(x, axis);
      return this.mode === 'sum' ? sum : sum.div(this.divisor ?? steps);
    });
  }

  /** The sum so far and the number of steps; for `pick` the step that was picked last. */
  initialState(inputShape: readonly number[]): State {
    this.assertSteppable();
    if (this.mode === 'pick' && this.idx === -1) return {};
    const held = tf.zeros([...inputShape]);
    const counted = this.mode === 'pick' || (this.mode === 'mean' && this.divisor === undefined);
    return counted ? { held, count: tf.scalar(0) } : { held };
  }

  step(x: tf.Tensor, state: State): Stepped {
    this.assertSteppable();
    const { held, count } = state;
    if (this.mode === 'pick') {
      if (!held || !count) return { out: x.expandDims(1), state: {} };
      const waiting = count.lessEqual(this.idx);
      const now = tf.where(waiting, x, held);
      return { out: now.expandDims(1), state: { held: now, count: count.add(1) } };
    }
    const sum = held ? held.add(x) : x;
    if (!count) {
      return { out: this.mode === 'sum' ? sum : sum.div(this.divisor ?? 1), state: { held: sum } };
    }
    const steps = count.add(1);
    return { out: sum.div(steps), state: { held: sum, count: steps } };
  }

  /** A part of a sequence, `[B, T, ...]`; gives what stepping through it would give at its end. */
  run(x: tf.Tensor, { state }: PartOptions = {}): Stepped {
    this.assertSteppable();
    const [batch = 1, steps = 1, ...rest] = x.shape;
    if (this.mode === 'pick') {
      if (this.idx === -1) return { out: this.pick(x, 1, steps), state: {} };
      const start: Stepped = { out: x, state: state ?? this.initialState([batch, ...rest]) };
      return tf.unstack(x, 1).reduce((last, frame) => this.step(frame, last.state), start);
    }
    const sum = state?.held ? tf.sum(x, 1).add(state.held) : tf.sum(x, 1);
    if (this.mode === 'sum' || this.divisor !== undefined) {
      return { out: this.mode === 'sum' ? sum : sum.div(this.divisor ?? 1), state: { held: sum } };
    }
    const count = state?.count ? state.count.add(steps) : tf.scalar(steps);
    return { out: sum.div(count), state: { held: sum, count } };
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { mode, dim, idx } = this;
    return { ...super.getConfig(), mode, dim, idx, divisor: this.divisor ?? null };
  }

  private axis(rank: number): number {
    const axis = this.dim < 0 ? this.dim + rank : this.dim;
    if (axis >= 0 && axis < rank) return axis;
    throw new LayerError(this.name, `dim is ${this.dim}, but the input has ${rank} axes`);
  }

  private pick(x: tf.Tensor, axis: number, steps: number): tf.Tensor {
    const index = this.idx < 0 ? this.idx + steps : this.idx;
    if (index < 0 || index >= steps) {
      throw new LayerError(this.name, `idx is ${this.idx}, but there are ${steps} steps`);
    }
    const begin = x.shape.map((_, i) => (i === axis ? index : 0));
    return x.slice(
      begin,
      x.shape.map((size, i) => (i === axis ? 1 : size)),
    );
  }

  private assertSteppable(): void {
    if (this.dim !== 1) {
      throw new StepError(this.name, `aggregates over axis ${this.dim}, which isn't time; use dim 1`);
    }
    if (this.mode === 'pick' && this.idx < -1) {
      throw new StepError(
        this.name,
        `picks step ${this.idx}, counted from the end, which a stream doesn't know; use -1 or 0 and up`,
      );
    }
  }
}

tf.serialization.registerClass(Aggregation);
