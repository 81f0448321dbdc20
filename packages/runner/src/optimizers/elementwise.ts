import { tf, updateElements, type Arrays, type Formula } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';
import {
  OptimizerError,
  optimizerGroups,
  type Gradients,
  type Optimizer,
  type OptimizerGroup,
  type OptimizerState,
  type ParameterGroup,
} from './optimizer.js';
import { ownMomentum, withMomentum } from './momentum.js';
import type { CommonOptions, UpdateInput, UpdateRule } from './rule.js';

type Numbers = Readonly<Record<string, number>>;

/** What is remembered of one parameter. */
interface Memory {
  /** Steps done. */
  step: number;
  scalars: Numbers;
  slots: Arrays<tf.Tensor>;
}

/**
 * Runs an {@link UpdateRule} over parameter groups: one operation for all parameters of a group where the backend has
 * one (`updateElements`), no tape. The slots belong to this optimizer alone and are overwritten in place.
 */
export class ElementwiseOptimizer<
  O extends CommonOptions,
  S extends object,
  N extends object,
> implements Optimizer {
  readonly groups: readonly OptimizerGroup[];
  readonly #members: readonly (readonly NamedVariable[])[];
  readonly #options: readonly O[];
  readonly #memory = new Map<string, Memory>();

  constructor(
    private readonly rule: UpdateRule<O, S, N>,
    options: O,
    groups: readonly ParameterGroup[],
  ) {
    this.#members = groups.map((g) => g.parameters);
    this.#options = groups.map((g) => ({ ...options, ...g.options }));
    this.groups = optimizerGroups(
      this.#options.map((o, i) => ({
        parameters: this.#members[i] ?? [],
        lr: o.lr,
        momentum: ownMomentum(o),
      })),
    );
  }

  get type(): string {
    return this.rule.type;
  }

  step(gradients: Gradients): void {
    this.groups.forEach(({ lr, momentum }, i) => {
      const base = this.#options[i];
      if (base === undefined) return;
      const options = withMomentum(base, momentum);
      const present = (this.#members[i] ?? []).filter((m) => gradients.has(m.name));
      for (const alike of this.#alike(present, options)) this.#update(alike, gradients, lr, options);
    });
  }

  /** Parameters in the same step and with the same scalars, which go through one update: normally all of them. */
  #alike(members: readonly NamedVariable[], options: O): NamedVariable[][] {
    const starts = Object.entries(this.rule.slots(options)) as [string, number][];
    const parts = new Map<string, NamedVariable[]>();
    for (const member of members) {
      const { step, scalars } = this.#remembered(member, starts, options);
      const id = `${step} ${JSON.stringify(scalars)}`;
      const part = parts.get(id) ?? [];
      part.push(member);
      parts.set(id, part);
    }
    return [...parts.values()];
  }

  #remembered({ name, variable }: NamedVariable, starts: readonly [string, number][], options: O): Memory {
    const memory = this.#memory.get(name) ?? {
      step: 0,
      scalars: { ...this.rule.scalars?.start(options) } as Numbers,
      slots: {},
    };
    this.#memory.set(name, memory);
    for (const [slot, value] of starts)
      if (memory.slots[slot] === undefined)
        memory.slots = { ...memory.slots, [slot]: tf.keep(tf.fill(variable.shape, value)) };
    return memory;
  }

  #update(members: readonly NamedVariable[], gradients: Gradients, lr: number, options: O): void {
    const memories = members.flatMap(({ name }) => this.#memory.get(name) ?? []);
    const grads = members.flatMap(({ name }) => gradients.get(name) ?? []);
    const [first] = memories;
    if (first === undefined) return;
    const step = first.step + 1;
    const scalars = first.scalars as N;
    const consumed = Object.keys(this.rule.slots(options));
    const formula: Formula = <V>(o: Parameters<Formula>[0], { param, grad, ...slots }: Arrays<V>) => {
      const oriented = options.maximize ? o.neg(grad) : grad;
      const input = { param, grad: oriented, slots, scalars, step, lr, options } as UpdateInput<V, O, S, N>;
      const after = this.rule.update(o, input);
      return { param: after.param, ...after.slots } as Arrays<V>;
    };
    const { param = [], ...slots } = updateElements(
      formula,
      {
        param: members.map((m) => m.variable),
        grad: grads,
        ...Object.fromEntries(consumed.map((slot) => [slot, memories.map((m) => m.slots[slot])])),
      },
      { consumed },
    );
    const next = this.rule.scalars?.next(scalars, { step, lr, options });
    members.forEach(({ variable }, k) => {
      const value = param[k];
      const memory = memories[k];
      if (value === undefined || memory === undefined) return;
      variable.assign(value);
      value.dispose();
      memory.step = step;
      memory.scalars = (next ?? {}) as Numbers;
      const own = Object.entries(slots).map(([slot, list]) => [slot, tf.keep(list[k])]);
      memory.slots = { ...memory.slots, ...(Object.fromEntries(own) as Arrays<tf.Tensor>) };
    });
  }

  state(): OptimizerState {
    const tensors = new Map<string, tf.Tensor>();
    const scalars: Record<string, number> = {};
    for (const [name, memory] of this.#memory) {
      scalars[`step/${name}`] = memory.step;
      for (const [key, value] of Object.entries(memory.scalars)) scalars[`${key}/${name}`] = value;
      for (const [slot, tensor] of Object.entries(memory.slots)) tensors.set(`${slot}/${name}`, copy(tensor));
    }
    return { tensors, scalars };
  }

  load(state: OptimizerState): void {
    const wanted = this.#members.flatMap((members, i) =>
      members.map(({ name, variable }): Wanted => {
        const options = this.#options[i];
        const starts = options ? { ...this.rule.scalars?.start(options) } : {};
        const slots = options ? Object.keys(this.rule.slots(options)) : [];
        return { name, shape: variable.shape, scalars: ['step', ...Object.keys(starts)], slots };
      }),
    );
    const memories = memoriesIn(state, wanted);
    this.dispose();
    for (const [name, { step, scalars, slots }] of memories)
      this.#memory.set(name, { step, scalars, slots: mapValues(slots, (t) => tf.keep(copy(t))) });
  }

  dispose(): void {
    for (const { slots } of this.#memory.values()) tf.dispose(Object.values(slots));
    this.#memory.clear();
  }
}

/** What a state must hold of a parameter, if it holds anything of it. */
interface Wanted {
  readonly name: string;
  readonly shape: readonly number[];
  readonly scalars: readonly string[];
  readonly slots: readonly string[];
}

/** A state by parameter, checked: it comes from a file. */
function memoriesIn({ tensors, scalars }: OptimizerState, wanted: readonly Wanted[]): Map<string, Memory> {
  const known = new Map(wanted.map((w) => [w.name, w]));
  const keys = [...tensors.keys(), ...Object.keys(scalars)];
  const stray = keys.find((key) => !known.has(parameterOf(key)));
  if (stray !== undefined)
    throw new OptimizerError(`optimizer state: "${stray}" belongs to no parameter of this network.`);
  const names = new Set(keys.map(parameterOf));
  const present = wanted.filter(({ name }) => names.has(name));
  return new Map(
    present.map(({ name, shape, scalars: numbers, slots }) => {
      const values = numbers.map((key) => [key, scalars[`${key}/${name}`]] as const);
      const arrays = slots.map((slot) => [slot, tensors.get(`${slot}/${name}`)] as const);
      const missing = [...values, ...arrays].find(([, value]) => value === undefined);
      if (missing) throw new OptimizerError(`optimizer state: "${missing[0]}/${name}" is missing.`);
      for (const [slot, tensor] of arrays)
        if (tensor && tensor.shape.join() !== shape.join())
          throw new OptimizerError(
            `optimizer state: "${slot}/${name}" is [${tensor.shape.join(', ')}], its parameter is [${shape.join(', ')}].`,
          );
      const { step = 0, ...others } = Object.fromEntries(values) as Record<string, number>;
      return [name, { step, scalars: others, slots: Object.fromEntries(arrays) as Arrays<tf.Tensor> }];
    }),
  );
}

/** `exp_avg/clif1/kernel` is of `clif1/kernel`. */
const parameterOf = (key: string) => key.slice(key.indexOf('/') + 1);

const mapValues = (slots: Arrays<tf.Tensor>, change: (t: tf.Tensor) => tf.Tensor): Arrays<tf.Tensor> =>
  Object.fromEntries(Object.entries(slots).map(([slot, t]) => [slot, change(t)]));

/** Memory of its own, where `clone` would share it: slots are overwritten in place. */
const copy = (tensor: tf.Tensor): tf.Tensor => tf.mul(tensor, 1);
