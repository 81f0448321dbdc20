import { tf } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';
import { buckets, pack, unpack, type Bucket } from './bucket.js';
import {
  OptimizerError,
  type Gradients,
  type Optimizer,
  type OptimizerGroup,
  type OptimizerState,
  type ParameterGroup,
} from './optimizer.js';

type Slots = Readonly<Record<string, tf.Tensor>>;

/** What an update rule sees: same-shaped tensors, and the numbers of this step. */
export interface UpdateInput<O> {
  readonly param: tf.Tensor;
  readonly grad: tf.Tensor;
  /** What the rule returned last time; undefined on the first step. */
  readonly slots: Slots | undefined;
  /** 1 on the first step. */
  readonly step: number;
  readonly lr: number;
  readonly options: O;
}

/**
 * An optimizer whose update treats every element alike: one pure function from old value, gradient and slots to
 * new value and slots. Written once, it serves single tensors and packed vectors.
 */
export interface UpdateRule<O> {
  readonly type: string;
  readonly update: (input: UpdateInput<O>) => { readonly param: tf.Tensor; readonly slots: Slots };
}

interface Live extends Bucket {
  readonly group: number;
  step: number;
  slots: Slots | undefined;
}

interface Memory {
  readonly step: number;
  readonly slots: Slots;
}

/** Runs an `UpdateRule` over parameter groups: few tfjs ops per step, no tape, state kept as plain tensors. */
export class ElementwiseOptimizer<O extends { readonly lr: number }> implements Optimizer {
  readonly groups: readonly OptimizerGroup[];
  readonly #rule: UpdateRule<O>;
  readonly #members: readonly (readonly NamedVariable[])[];
  readonly #options: readonly O[];
  #live: Live[] = [];
  /** Names that the live buckets were laid out for. */
  #layout: string | undefined;
  /** State of parameters that are in no live bucket. */
  #resting = new Map<string, Memory>();

  constructor(rule: UpdateRule<O>, options: O, groups: readonly ParameterGroup[]) {
    this.#rule = rule;
    this.#members = groups.map((g) => g.parameters);
    this.#options = groups.map((g) => ({ ...options, ...g.options }));
    this.groups = this.#options.map((o, i) => ({
      names: (this.#members[i] ?? []).map((m) => m.name),
      baseLr: o.lr,
      lr: o.lr,
    }));
    const names = this.groups.flatMap((g) => g.names);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      throw new OptimizerError(`optimizer: parameter "${twice}" is listed twice. Put it in one group only.`);
    if (names.length === 0)
      throw new OptimizerError('optimizer: there are no trainable parameters. Check the model config.');
  }

  get type(): string {
    return this.#rule.type;
  }

  step(gradients: Gradients): void {
    this.#arrange(gradients);
    for (const bucket of this.#live) this.#updateBucket(bucket, gradients);
  }

  state(): OptimizerState {
    const tensors = new Map<string, tf.Tensor>();
    const scalars: Record<string, number> = {};
    const put = (name: string, step: number, slots: Slots) => {
      scalars[`step/${name}`] = step;
      for (const [slot, t] of Object.entries(slots)) tensors.set(`${slot}/${name}`, t);
    };
    for (const [name, memory] of this.#resting)
      put(
        name,
        memory.step,
        mapSlots(memory.slots, (t) => t.clone()),
      );
    for (const bucket of this.#live) {
      for (const [name, memory] of spread(bucket)) put(name, memory.step, memory.slots);
    }
    return { tensors, scalars };
  }

  load(state: OptimizerState): void {
    const shapes = new Map(this.#members.flat().map((m) => [m.name, m.variable.shape]));
    const loaded = new Map<string, { step: number; slots: Record<string, tf.Tensor> }>();
    for (const [key, step] of Object.entries(state.scalars)) {
      const name = key.slice(key.indexOf('/') + 1);
      if (!shapes.has(name)) throw new OptimizerError(`optimizer state: there is no parameter "${name}".`);
      loaded.set(name, { step, slots: {} });
    }
    for (const [key, tensor] of state.tensors) {
      const slash = key.indexOf('/');
      const name = key.slice(slash + 1);
      const entry = loaded.get(name);
      const shape = shapes.get(name);
      if (!entry || !shape)
        throw new OptimizerError(`optimizer state: "${key}" belongs to no parameter of this network.`);
      if (shape.join() !== tensor.shape.join())
        throw new OptimizerError(
          `optimizer state: "${key}" is [${tensor.shape.join(', ')}], its parameter is [${shape.join(', ')}].`,
        );
      entry.slots[key.slice(0, slash)] = tensor;
    }
    this.dispose();
    for (const [name, { step, slots }] of loaded)
      this.#resting.set(name, { step, slots: mapSlots(slots, (t) => tf.keep(t.clone())) });
  }

  dispose(): void {
    for (const bucket of this.#live) disposeSlots(bucket.slots);
    for (const memory of this.#resting.values()) disposeSlots(memory.slots);
    this.#live = [];
    this.#layout = undefined;
    this.#resting.clear();
  }

  #updateBucket(bucket: Live, gradients: Gradients): void {
    const options = this.#options[bucket.group];
    const lr = this.groups[bucket.group]?.lr;
    if (!options || lr === undefined) return;
    const before = bucket.slots;
    bucket.step += 1;
    tf.tidy(() => {
      const grads = bucket.members.map((m) => {
        const grad = gradients.get(m.name);
        if (!grad) throw new OptimizerError(`optimizer: no gradient for "${m.name}".`);
        return grad;
      });
      const param = pack(
        bucket,
        bucket.members.map((m) => m.variable),
      );
      const after = this.#rule.update({
        param,
        grad: pack(bucket, grads),
        slots: before,
        step: bucket.step,
        lr,
        options,
      });
      // clones: a rule may hand back its gradient, which belongs to the caller
      bucket.slots = mapSlots(after.slots, (t) => tf.keep(t.clone()));
      unpack(bucket, after.param).forEach((value, i) => bucket.members[i]?.variable.assign(value));
    });
    disposeSlots(before);
  }

  /** Lay out the buckets for the parameters that have a gradient now; normally the same at every step. */
  #arrange(gradients: Gradients): void {
    const present = this.#members.map((members) => members.filter((m) => gradients.has(m.name)));
    const layout = JSON.stringify(present.map((members) => members.map((m) => m.name)));
    if (layout === this.#layout) return;
    for (const bucket of this.#live) {
      for (const [name, memory] of spread(bucket)) {
        Object.values(memory.slots).forEach((t) => tf.keep(t));
        this.#resting.set(name, memory);
      }
      disposeSlots(bucket.slots);
    }
    this.#live = present.flatMap((members, group) => {
      const bySteps = new Map<number, NamedVariable[]>();
      for (const m of members) {
        const step = this.#resting.get(m.name)?.step ?? 0;
        bySteps.set(step, [...(bySteps.get(step) ?? []), m]);
      }
      return [...bySteps].flatMap(([step, same]) =>
        buckets(same).map((bucket) => ({ ...bucket, group, step, slots: this.#gather(bucket) })),
      );
    });
    this.#layout = layout;
  }

  /** Pack the resting state of a bucket's members, and forget it there. */
  #gather(bucket: Bucket): Slots | undefined {
    const memories = bucket.members.map((m) => this.#resting.get(m.name));
    const first = memories[0];
    if (!first) return undefined;
    const slots: Record<string, tf.Tensor> = {};
    for (const slot of Object.keys(first.slots)) {
      const parts = memories.map((memory) => memory?.slots[slot]);
      const whole = parts.filter((p) => p !== undefined);
      if (whole.length !== parts.length)
        throw new OptimizerError(`optimizer state: slot "${slot}" is missing for some parameters.`);
      slots[slot] = tf.tidy(() => tf.keep(pack(bucket, whole).clone()));
    }
    bucket.members.forEach((m) => {
      disposeSlots(this.#resting.get(m.name)?.slots);
      this.#resting.delete(m.name);
    });
    return slots;
  }
}

/** A bucket's state, by parameter; the tensors are new and belong to the caller. */
function spread(bucket: Live): Map<string, Memory> {
  const memories = new Map<string, { step: number; slots: Record<string, tf.Tensor> }>();
  if (bucket.step === 0) return memories;
  for (const m of bucket.members) memories.set(m.name, { step: bucket.step, slots: {} });
  for (const [slot, tensor] of Object.entries(bucket.slots ?? {})) {
    const parts = tf.tidy(() => unpack(bucket, tensor).map((t) => t.clone()));
    parts.forEach((part, i) => {
      const memory = memories.get(bucket.members[i]?.name ?? '');
      if (memory) memory.slots[slot] = part;
    });
  }
  return memories;
}

function mapSlots(slots: Slots, change: (t: tf.Tensor) => tf.Tensor): Slots {
  return Object.fromEntries(Object.entries(slots).map(([slot, t]) => [slot, change(t)]));
}

function disposeSlots(slots: Slots | undefined): void {
  for (const t of Object.values(slots ?? {})) t.dispose();
}
