import { defineNeuron, SURROGATES, type NeuronDefinition, type Ops, type Surrogate } from '@bidl/dynamics';
import fc from 'fast-check';

const UNARY = ['neg', 'abs', 'tanh', 'sigmoid', 'relu', 'atan', 'sign', 'decay'] as const;
const BINARY = ['add', 'sub', 'mul', 'ratio', 'gt'] as const;
const TERNARY = ['blend'] as const;
const BOUNDS = ['tanh', 'sigmoid', 'softsign'] as const;

/** One operation over earlier values, counted modulo their number. */
interface Node {
  readonly operation: (typeof UNARY | typeof BINARY | typeof TERNARY)[number];
  readonly operands: readonly [number, number, number];
}

/** A neuron as data: what a generator makes and a failing test shrinks. */
export interface Recipe {
  readonly states: number;
  readonly params: number;
  readonly before: readonly Node[];
  readonly after: readonly Node[];
  readonly norm: boolean;
  readonly out: 'spike' | number;
  /** What each state becomes, and what keeps it bounded. */
  readonly next: readonly (readonly [number, (typeof BOUNDS)[number]])[];
  readonly surrogate: keyof typeof SURROGATES;
}

const index = fc.nat({ max: 30 });
const node: fc.Arbitrary<Node> = fc.record({
  operation: fc.constantFrom(...UNARY, ...BINARY, ...BINARY, ...TERNARY),
  operands: fc.tuple(index, index, index),
});

/** Random neurons: one to three states, up to three parameters, any operation, spikes that reset what they like. */
export const recipes: fc.Arbitrary<Recipe> = fc
  .record({
    states: fc.integer({ min: 1, max: 3 }),
    params: fc.integer({ min: 0, max: 3 }),
    before: fc.array(node, { minLength: 1, maxLength: 5 }),
    after: fc.array(node, { minLength: 0, maxLength: 5 }),
    norm: fc.boolean(),
    out: fc.oneof(fc.constant('spike' as const), index),
    next: fc.array(fc.tuple(index, fc.constantFrom(...BOUNDS)), { minLength: 3, maxLength: 3 }),
    surrogate: fc.constantFrom(...(Object.keys(SURROGATES) as (keyof typeof SURROGATES)[])),
  })
  .map((recipe) => ({ ...recipe, next: recipe.next.slice(0, recipe.states) }));

function apply<T>(o: Ops<T>, operation: Node['operation'], [a, b, c]: readonly [T, T, T]): T {
  switch (operation) {
    case 'decay': // e^-|a|: what exponentials are for in a neuron
      return o.exp(o.neg(o.abs(a)));
    case 'ratio': // a quotient that has no pole
      return o.div(a, o.add(o.constant(1), o.mul(b, b)));
    case 'blend': // a gate between two values: a comparison, or something smooth
      return o.blend(o.sigmoid(a), b, c);
    case 'add':
    case 'sub':
    case 'mul':
    case 'gt':
      return o[operation](a, b);
    default:
      return o[operation](a);
  }
}

function bound<T>(o: Ops<T>, kind: (typeof BOUNDS)[number], x: T): T {
  return kind === 'softsign' ? o.div(x, o.add(o.constant(1), o.abs(x))) : o[kind](x);
}

/** The neuron and the surrogate of a recipe. */
export function neuronOf(recipe: Recipe): { neuron: NeuronDefinition; surrogate: Surrogate } {
  const names = (prefix: string, count: number, value: (k: number) => number) =>
    Object.fromEntries(Array.from({ length: count }, (_, k) => [`${prefix}${k}`, value(k)]));
  const neuron = defineNeuron({
    name: 'random',
    state: names('s', recipe.states, (k) => 0.2 - 0.1 * k),
    params: names('p', recipe.params, (k) => 0.6 - 0.4 * k),
    step: <T>(o: Ops<T>, x: T, state: Readonly<Record<string, T>>, params: Readonly<Record<string, T>>) => {
      const values: T[] = [x, ...Object.values(state), ...Object.values(params), o.constant(0.7)];
      const at = (k: number): T => values[k % values.length] as T;
      const grow = (nodes: readonly Node[]) => {
        for (const { operation, operands } of nodes) {
          const [a, b, c] = operands;
          values.push(apply(o, operation, [at(a), at(b), at(c)]));
        }
      };
      grow(recipe.before);
      const charged = o.add(at(recipe.before.length), o.add(x, values[1] as T));
      const u = o.perturb(recipe.norm ? o.norm(charged) : charged);
      const spike = o.fire(o.sub(u, o.constant(0.4)));
      values.push(u, spike, o.blend(spike, o.constant(0.1), u));
      grow(recipe.after);
      // Everything depends on the input, so that it has one value for each neuron.
      const shown = recipe.out === 'spike' ? spike : o.add(at(recipe.out), o.mul(o.constant(0.1), u));
      const next = recipe.next.map(([k, kind]) => bound(o, kind, o.add(at(k), o.mul(o.constant(0.2), u))));
      return {
        out: shown,
        state: Object.fromEntries(Object.keys(state).map((name, k) => [name, next[k] as T])),
      };
    },
  });
  return { neuron, surrogate: SURROGATES[recipe.surrogate]() };
}
