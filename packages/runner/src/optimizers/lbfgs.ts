import { z } from 'zod';
import { tf } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';
import { absoluteSum, FlatParameters, inner, largest } from './flat.js';
import {
  OptimizerError,
  optimizerGroups,
  optimizers,
  type Gradients,
  type Objective,
  type Optimizer,
  type OptimizerGroup,
  type OptimizerState,
} from './optimizer.js';
import { strongWolfe, type Trial } from './strong-wolfe.js';

const schema = z.strictObject({
  lr: z.number().nonnegative().default(1),
  max_iter: z.int().positive().default(20).describe('iterations in one step'),
  max_eval: z.int().positive().nullish().describe('evaluations in one step; default max_iter · 1.25'),
  tolerance_grad: z.number().nonnegative().default(1e-7),
  tolerance_change: z.number().nonnegative().default(1e-9),
  history_size: z.int().positive().default(100),
  line_search_fn: z.enum(['strong_wolfe']).nullish(),
  maximize: z.boolean().default(false).describe('climb instead of descending'),
});

type LbfgsOptions = z.output<typeof schema>;

/** Two successive points: the difference y of their gradients, the step s between them, and 1 / (y · s). */
interface Pair {
  readonly y: tf.Tensor1D;
  readonly s: tf.Tensor1D;
  readonly rho: number;
}

/** What goes from iteration to iteration, and from step to step. */
interface Memory {
  readonly iterations: number;
  readonly evaluations: number;
  readonly pairs: readonly Pair[];
  /** First guess of the inverse Hessian: this times the identity. */
  readonly scale: number;
  /** The last direction, the length gone along it, and gradient and loss before; undefined before the first. */
  readonly last: { readonly d: tf.Tensor1D; readonly t: number; readonly gradient: tf.Tensor1D } | undefined;
}

const EMPTY: Memory = { iterations: 0, evaluations: 0, pairs: [], scale: 1, last: undefined };

/**
 * Limited-memory BFGS (Nocedal & Wright, algorithm 7.4) as torch.optim.LBFGS: several iterations in each step, each
 * along -H·g with H from the last `history_size` pairs, over all parameters as one vector.
 */
export class Lbfgs implements Optimizer {
  readonly type = 'LBFGS';
  readonly groups: readonly OptimizerGroup[];
  readonly #flat: FlatParameters;
  /** -1 when maximizing. */
  readonly #sign: 1 | -1;
  #memory: Memory = EMPTY;

  constructor(
    private readonly options: LbfgsOptions,
    parameters: readonly NamedVariable[],
  ) {
    this.groups = optimizerGroups([{ parameters, lr: options.lr }]);
    this.#flat = new FlatParameters(parameters);
    this.#sign = options.maximize ? -1 : 1;
  }

  /** @throws OptimizerError without an objective: the loss must be evaluated again along the way. */
  step(gradients: Gradients, objective?: Objective): void {
    if (!objective)
      throw new OptimizerError(
        'LBFGS evaluates the loss several times in a step: give it the objective as well.',
      );
    const before = this.#memory;
    // everything that is computed on the way is freed at the end; what is remembered is kept
    tf.tidy(() => {
      this.#memory = keep(this.#iterate(this.#gather(gradients), objective));
    });
    const still = new Set(tensorsOf(this.#memory));
    tf.dispose(tensorsOf(before).filter((t) => !still.has(t)));
  }

  #iterate(startGradient: tf.Tensor1D, objective: Objective): Memory {
    const { max_iter, tolerance_grad, tolerance_change, line_search_fn } = this.options;
    const lr = this.groups[0]?.lr ?? this.options.lr;
    const maxEvaluations = this.options.max_eval ?? Math.floor((max_iter * 5) / 4);
    let memory = { ...this.#memory, evaluations: this.#memory.evaluations + 1 };
    let gradient = startGradient;
    let loss = this.#sign * objective.loss;
    let evaluations = 1;
    if (largest(gradient) <= tolerance_grad) return memory;

    for (let iteration = 1; iteration <= max_iter; iteration++) {
      const { pairs, scale } = updated(memory, gradient, this.options.history_size);
      const d = direction(pairs, scale, gradient);
      const first = memory.iterations === 0;
      let t = first ? Math.min(1, 1 / absoluteSum(gradient)) * lr : lr;
      const slope = inner(gradient, d);
      const [gradientBefore, lossBefore] = [gradient, loss];
      memory = { ...memory, iterations: memory.iterations + 1, pairs, scale, last: { d, t, gradient } };
      if (slope > -tolerance_change) break;

      let made = 0;
      if (line_search_fn === 'strong_wolfe') {
        const from = this.#flat.values();
        const start = { t: 0, loss, gradient, slope };
        const limits = {
          length: largest(d),
          tolerance: tolerance_change,
          more: maxEvaluations - evaluations,
        };
        const found = strongWolfe((at) => this.#trial(objective, from, d, at), start, t, limits);
        ({ t, loss } = found.end);
        gradient = found.end.gradient as tf.Tensor1D;
        made = found.evaluations;
        this.#flat.assign(stepped(from, d, t));
      } else {
        this.#flat.assign(stepped(this.#flat.values(), d, t));
        // the next step begins with an evaluation anyway, and on another batch
        if (iteration < max_iter) {
          ({ loss, gradient } = this.#evaluate(objective));
          made = 1;
        }
      }
      evaluations += made;
      memory = {
        ...memory,
        evaluations: memory.evaluations + made,
        last: { d, t, gradient: gradientBefore },
      };
      const moved = largest(d) * Math.abs(t);
      const stuck = moved <= tolerance_change || Math.abs(loss - lossBefore) < tolerance_change;
      if (evaluations >= maxEvaluations || largest(gradient) <= tolerance_grad || stuck) break;
    }
    return memory;
  }

  #trial(objective: Objective, from: tf.Tensor1D, d: tf.Tensor1D, t: number): Trial {
    this.#flat.assign(stepped(from, d, t));
    const { loss, gradient } = this.#evaluate(objective);
    return { t, loss, gradient, slope: inner(gradient, d) };
  }

  /** What is minimised, and its gradient, at the parameters as they are. */
  #evaluate(objective: Objective): { readonly loss: number; readonly gradient: tf.Tensor1D } {
    const { loss, gradients } = objective.evaluate();
    return { loss: this.#sign * loss, gradient: this.#gather(gradients) };
  }

  #gather(gradients: Gradients): tf.Tensor1D {
    const gradient = this.#flat.gather(gradients);
    return this.#sign === 1 ? gradient : tf.neg(gradient);
  }

  state(): OptimizerState {
    const { iterations, evaluations, pairs, scale, last } = this.#memory;
    const tensors = new Map<string, tf.Tensor>();
    const scalars: Record<string, number> = { iterations, evaluations, scale };
    pairs.forEach(({ y, s, rho }, i) => {
      tensors.set(`y/${i}`, y.clone()).set(`s/${i}`, s.clone());
      scalars[`rho/${i}`] = rho;
    });
    if (last) {
      tensors.set('direction', last.d.clone()).set('gradient', last.gradient.clone());
      scalars['length'] = last.t;
    }
    return { tensors, scalars };
  }

  load({ tensors, scalars }: OptimizerState): void {
    const number = (key: string): number => {
      const value = scalars[key];
      if (value === undefined) throw new OptimizerError(`optimizer state: the number "${key}" is missing.`);
      return value;
    };
    const vector = (key: string): tf.Tensor1D => {
      const value = tensors.get(key);
      if (value?.shape.join() !== String(this.#flat.size))
        throw new OptimizerError(
          `optimizer state: "${key}" must be [${this.#flat.size}], the network's number of parameters; ` +
            (value ? `it is [${value.shape.join(', ')}].` : 'it is missing.'),
        );
      return value as tf.Tensor1D;
    };
    const count = Object.keys(scalars).filter((key) => key.startsWith('rho/')).length;
    const memory: Memory = {
      iterations: number('iterations'),
      evaluations: number('evaluations'),
      scale: number('scale'),
      pairs: Array.from({ length: count }, (_, i) => ({
        y: vector(`y/${i}`),
        s: vector(`s/${i}`),
        rho: number(`rho/${i}`),
      })),
      last:
        scalars['length'] === undefined
          ? undefined
          : { d: vector('direction'), t: number('length'), gradient: vector('gradient') },
    };
    this.dispose();
    this.#memory = keep(cloned(memory));
  }

  dispose(): void {
    tf.dispose(tensorsOf(this.#memory));
    this.#memory = EMPTY;
  }
}

/** The history with the pair that the last move gave, when the loss curves upwards along it. */
function updated(
  { pairs, scale, last }: Memory,
  gradient: tf.Tensor1D,
  size: number,
): Pick<Memory, 'pairs' | 'scale'> {
  if (!last) return { pairs, scale };
  const y = tf.sub(gradient, last.gradient) as tf.Tensor1D;
  const s = tf.mul(last.d, last.t) as tf.Tensor1D;
  const ys = inner(y, s);
  if (ys <= 1e-10) return { pairs, scale };
  const kept = pairs.length === size ? pairs.slice(1) : pairs;
  return { pairs: [...kept, { y, s, rho: 1 / ys }], scale: ys / inner(y, y) };
}

/** -H·g by the two-loop recursion. */
function direction(pairs: readonly Pair[], scale: number, gradient: tf.Tensor1D): tf.Tensor1D {
  let q: tf.Tensor = tf.neg(gradient);
  const weights: number[] = [];
  for (const { y, s, rho } of pairs.toReversed()) {
    const weight = inner(s, q) * rho;
    weights.unshift(weight);
    q = stepped(q, y, -weight);
  }
  let r: tf.Tensor = tf.mul(q, scale);
  pairs.forEach(({ y, s, rho }, i) => {
    r = stepped(r, s, (weights[i] ?? 0) - inner(y, r) * rho);
  });
  return r as tf.Tensor1D;
}

/** from + t · d */
const stepped = (from: tf.Tensor, d: tf.Tensor, t: number) => tf.add(from, tf.mul(d, t)) as tf.Tensor1D;

const tensorsOf = ({ pairs, last }: Memory): tf.Tensor[] => [
  ...pairs.flatMap(({ y, s }) => [y, s]),
  ...(last ? [last.d, last.gradient] : []),
];

function keep(memory: Memory): Memory {
  tensorsOf(memory).forEach((t) => tf.keep(t));
  return memory;
}

const cloned = ({ pairs, last, ...numbers }: Memory): Memory => ({
  ...numbers,
  pairs: pairs.map(({ y, s, rho }) => ({ y: y.clone(), s: s.clone(), rho })),
  last: last && { d: last.d.clone(), t: last.t, gradient: last.gradient.clone() },
});

optimizers.register({
  type: 'LBFGS',
  schema,
  build: (options, groups) => {
    const [group, ...more] = groups;
    if (more.length > 0)
      throw new OptimizerError('LBFGS treats all parameters as one vector: give it one group.');
    return new Lbfgs(options, group?.parameters ?? []);
  },
});
