import { tf } from '@bidl/engine';
import { SpikingLayer, walk, type Form } from '@bidl/neurons';
import type { Golden } from '@bidl/testing';
import { meanOfSteps, membraneMeans } from './golden.js';

/**
 * A membrane this near to its threshold may fire or not, as rounding has it; relative to the layer's membranes. In
 * training every BatchNorm on the way magnifies what convolutions rounded.
 */
const MARGIN = 2e-5;

type Surrogate = SpikingLayer['surrogate'];

interface Forced {
  readonly step: number;
  /** Index of the neuron in `[B, ...]`. */
  readonly at: number;
  /** +1: fires although it would not; −1: the reverse. */
  readonly by: 1 | -1;
}

/**
 * A surrogate whose decisions can be overruled, for single neurons at single steps. It counts the steps of a sequence,
 * so it serves the composed form only.
 */
class Overruled implements Surrogate {
  readonly name: string;
  readonly args: Surrogate['args'];
  readonly forced: Forced[] = [];
  /** Neurons whose slope is overruled: the surrogate's window has an edge, too. */
  readonly slopes: Forced[] = [];
  /** u − θ of every step of the last sequence, while `recording`. */
  readonly seen: tf.Tensor[] = [];
  recording = false;
  private step = 0;
  private readonly stepOf = new WeakMap<object, number>();

  constructor(
    private readonly own: Surrogate,
    private readonly steps: number,
  ) {
    this.name = own.name;
    this.args = own.args;
  }

  /** Whether any neuron is overruled, so that the layer must run composed. */
  get active(): boolean {
    return this.forced.length + this.slopes.length > 0;
  }

  readonly forward: Surrogate['forward'] = (o, x) => {
    // A kernel is being written down: nothing is computed.
    if (!(x instanceof tf.Tensor)) return this.own.forward(o, x);
    const step = this.step;
    this.step = (step + 1) % this.steps;
    const over = x as tf.Tensor;
    this.stepOf.set(over.dataId, step);
    if (this.recording) this.seen.push(tf.keep(over.clone()));
    return changed(o, this.own.forward(o, x), over, this.forced, step);
  };

  readonly derivative: Surrogate['derivative'] = (o, x) => {
    if (!(x instanceof tf.Tensor)) return this.own.derivative(o, x);
    const over = x as tf.Tensor;
    return changed(o, this.own.derivative(o, x), over, this.slopes, this.stepOf.get(over.dataId));
  };
}

/** Values with those of single neurons moved. */
const changed: <T>(
  o: { add(a: T, b: T): T },
  values: T,
  over: tf.Tensor,
  forced: readonly Forced[],
  step: number | undefined,
) => T = (o, values, over, forced, step) => {
  const here = forced.filter((f) => f.step === step);
  if (here.length === 0) return values;
  const change = new Float32Array(over.size);
  for (const { at, by } of here) change[at] = by;
  return o.add(values, tf.tensor(change, over.shape) as typeof values);
};

/**
 * Teacher forcing: makes a network decide as upstream did where rounding alone decides. Upstream's mean output of a
 * layer and step (of |membrane|, where neurons don't give spikes) says how many neurons fired there otherwise; the neurons nearest to their threshold are made to.
 * One such decision changes everything behind it, so without forcing nothing could be compared.
 */
export class Follower {
  private readonly surrogates: ReadonlyMap<tf.layers.Layer, Overruled>;
  /** Neurons on the edge of the surrogate's window, by layer: nearest first. */
  private readonly edges = new Map<tf.layers.Layer, Forced[]>();

  constructor(
    private readonly model: tf.LayersModel,
    private readonly layers: readonly SpikingLayer[],
    private readonly x: tf.Tensor,
  ) {
    const [, steps = 1] = x.shape;
    this.surrogates = new Map(
      layers.map((layer) => {
        const surrogate = new Overruled(layer.surrogate, steps);
        Object.assign(layer, { surrogate });
        return [layer, surrogate];
      }),
    );
  }

  /** Lets every neuron decide for itself again. */
  forget(): void {
    for (const { forced, slopes } of this.surrogates.values()) forced.length = slopes.length = 0;
  }

  /** Lets every layer run in this form, but composed where neurons are overruled. */
  run(form: Form): void {
    for (const [layer, { active }] of this.surrogates)
      Object.assign(layer, { form: active ? 'composed' : form });
  }

  /**
   * Goes through the network layer by layer and forces decisions until each layer's means are upstream's.
   *
   * @param form of the layers in which nothing has to be forced
   * @returns how many it took
   */
  follow({ get }: Golden, group: string, training: boolean, form: Form): number {
    const [outs, membranes] = ['lif_out_mean', 'lif_v_absmean'].map(
      (key) => get(`${group}/${key}`).data as Float32Array,
    );
    const { input, places } = walk(this.model);
    let count = 0;
    tf.engine().startScope();
    const values = new Map<number, tf.Tensor>([[input.id, this.x]]);
    for (const { layer, inputs, output } of places) {
      const given = inputs.map(({ id }) => values.get(id)).filter((value) => value !== undefined);
      const [first] = given;
      if (first && layer instanceof SpikingLayer) {
        const i = this.layers.indexOf(layer);
        const ofLayer = (means: Float32Array | undefined) =>
          Array.from({ length: first.shape[1] ?? 1 }, (_, t) => means?.[t * this.layers.length + i] ?? NaN);
        const want = { out: ofLayer(outs), membrane: ofLayer(membranes) };
        count += this.force(layer, first, want, training);
        this.run(form);
      }
      const made = layer.apply(given.length === 1 && first ? first : given, { training }) as tf.Tensor;
      values.set(output.id, made);
    }
    tf.engine().endScope();
    return count;
  }

  /**
   * The same for the slopes: a neuron on the edge of the surrogate's window lets the gradient through or not. Starts at
   * the layer nearest to the output where a gradient is another than upstream's.
   *
   * @param form of the layers in which nothing has to be forced
   * @param deviates the last of these layers, by place in the network, with a gradient that is another; undefined when
   *   there is none
   */
  followSlopes(
    form: Form,
    deviates: (layers: readonly tf.layers.Layer[]) => tf.layers.Layer | undefined,
  ): void {
    const order = walk(this.model).places.map(({ layer }) => layer);
    for (;;) {
      this.run(form);
      const worst = deviates(order);
      if (worst === undefined) return;
      // A slope changes gradients in front of it alone: those behind the worst need not be looked at.
      const behind = order.slice(order.indexOf(worst));
      const next = behind.filter((layer) => this.edges.has(layer)).slice(0, 2);
      const better = next.some((layer) =>
        (this.edges.get(layer) ?? []).slice(0, 4).some((edge) => {
          const slopes = this.surrogates.get(layer)?.slopes ?? [];
          slopes.push(edge);
          this.run(form);
          if (deviates(behind) === undefined) return true;
          slopes.pop();
          return false;
        }),
      );
      if (!better) return;
    }
  }

  private force(layer: SpikingLayer, input: tf.Tensor, want: Means, training: boolean): number {
    const surrogate = this.surrogates.get(layer);
    if (!surrogate) return 0;
    layer.form = 'composed';
    surrogate.forced.length = 0;
    surrogate.slopes.length = 0;
    const [batch = 1, , ...rest] = layer.computeOutputShape(input.shape) as number[];
    const neurons = rest.reduce((a, b) => a * b, batch);
    /** By how many neurons too few fire in each step. */
    const apart = wholeNumbers(want.out, neurons)
      ? () =>
          tf
            .tidy(() => meanOfSteps(layer.run(input, { training }).out))
            .map((mean, step) => ((want.out[step] ?? NaN) - mean) * neurons)
      : () =>
          membraneMeans({ layer, input }, training).map(
            (mean, step) => ((mean - (want.membrane[step] ?? NaN)) * neurons) / jump(layer),
          );
    for (;;) {
      surrogate.recording = true;
      const now = apart();
      surrogate.recording = false;
      const over = surrogate.seen.splice(0);
      const step = now.findIndex((n) => Math.abs(n) > 0.8);
      const candidates =
        step < 0 ? [] : nearest(over[step], step, (now[step] ?? 0) > 0 ? 1 : -1, surrogate.forced, MARGIN);
      if (candidates.length === 0) this.edges.set(layer, onEdge(over));
      tf.dispose(over);
      if (candidates.length === 0) return surrogate.forced.length;
      // Of several, the one with which the steps that follow are upstream's, too.
      const rated = candidates.map((forced) => {
        if (candidates.length === 1) return { forced, rest: 0 };
        surrogate.forced.push(forced);
        const rest = apart().reduce((sum, n) => sum + Math.abs(n), 0);
        surrogate.forced.pop();
        return { forced, rest };
      });
      const [best] = rated.sort((a, b) => a.rest - b.rest);
      if (best) surrogate.forced.push(best.forced);
    }
  }
}

/** What upstream says about a layer in each step. */
interface Means {
  readonly out: readonly number[];
  /** Of |membrane|. */
  readonly membrane: readonly number[];
}

/** Whether these are means of spikes, so that they tell how many there were. */
const wholeNumbers = (means: readonly number[], neurons: number): boolean =>
  means.every((mean) => Math.abs(mean * neurons - Math.round(mean * neurons)) < 0.1);

/** By how much a neuron at its threshold changes the sum of |membranes| when it fires. */
function jump(layer: SpikingLayer): number {
  const value = (name: string) => layer.params()[name]?.dataSync()[0] ?? NaN;
  return Math.abs(value('alpha') * value('theta'));
}

/** Up to four neurons within the margin of their threshold that would have to decide otherwise; nearest first. */
function nearest(
  over: tf.Tensor | undefined,
  step: number,
  by: 1 | -1,
  forced: readonly Forced[],
  relative: number,
): Forced[] {
  if (!over) return [];
  const done = new Set(forced.filter((f) => f.step === step).map((f) => f.at));
  const margin = relative * Math.max(1, over.abs().mean().dataSync()[0] ?? 1);
  const found: (Forced & { readonly distance: number })[] = [];
  over.dataSync().forEach((value, at) => {
    const distance = Math.abs(value);
    if (distance < margin && value <= 0 === (by === 1) && !done.has(at))
      found.push({ step, at, by, distance });
  });
  return found.sort((a, b) => a.distance - b.distance).slice(0, 4);
}

/** Neurons within the margin of |u − θ| = 0.5, with what would change their slope of 0 or 1; nearest first. */
function onEdge(over: readonly tf.Tensor[]): Forced[] {
  const found: (Forced & { readonly distance: number })[] = [];
  over.forEach((tensor, step) => {
    tensor.dataSync().forEach((value, at) => {
      const inside = 0.5 - Math.abs(value);
      if (Math.abs(inside) < MARGIN)
        found.push({ step, at, by: inside > 0 ? -1 : 1, distance: Math.abs(inside) });
    });
  });
  return found.sort((a, b) => a.distance - b.distance);
}
