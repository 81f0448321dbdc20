import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import type { NamedVariable } from '../classifier.js';
import './builtin.js';
import { createOptimizer, OptimizerError, optimizers, type Optimizer } from './optimizer.js';

beforeAll(() => startEngine());

const variable = (name: string, values: number[]): NamedVariable => ({
  name,
  trainable: true,
  variable: tf.variable(tf.tensor1d(values)),
});

/** A smooth convex loss of four weights x and a bias y: sum log cosh 3(Ax + y - c) + 0.05 (x² + y²). */
function problem() {
  const [x, y] = [variable('x', [0, 0, 0, 0]), variable('y', [0.5])];
  const a = tf.tensor2d(
    Array.from({ length: 6 }, (_, i) => [0, 1, 2, 3].map((j) => Math.sin(1 + 3 * i + 7 * j))),
  );
  const c = tf.tensor1d(Array.from({ length: 6 }, (_, i) => Math.cos(2 * i)));
  let evaluations = 0;
  const evaluate = (sign = 1) => {
    evaluations += 1;
    const { value, grads } = tf.variableGrads(() => {
      const residual = tf.matMul(a, x.variable.as2D(4, 1)).flatten().add(y.variable).sub(c).mul(3);
      const squares = tf.add(x.variable.square().sum(), y.variable.square().sum());
      // log cosh u = |u| + log(1 + exp(-2|u|)) - log 2
      const u = residual.abs();
      return u.add(u.mul(-2).exp().log1p()).sub(Math.LN2).sum().add(squares.mul(0.05)).mul(sign).asScalar();
    }, [x.variable, y.variable]);
    const loss = value.dataSync()[0]!;
    return { loss, gradients: new Map([x, y].map((p) => [p.name, grads[p.variable.name]!])) };
  };
  const step = (optimizer: Optimizer, sign = 1) => {
    evaluations = 0;
    tf.tidy(() => {
      const { loss, gradients } = evaluate(sign);
      optimizer.step(gradients, { loss, evaluate: () => evaluate(sign) });
    });
    return evaluations;
  };
  return { weights: [x, y], step, values: () => [...x.variable.dataSync(), ...y.variable.dataSync()] };
}

/** x and y after each step, and the number of evaluations in it: torch.optim.LBFGS 2.15 in float64. */
const torch = [
  {
    args: { lr: 0.1, max_iter: 3, history_size: 2 },
    evaluations: [3, 3, 3, 3, 3, 3],
    after: [
      [0.06823766, 0.02572616, -0.02944765, -0.07012745, 0.26147097],
      [0.1868653, 0.0942621, -0.04473648, -0.16171596, 0.03143317],
      [0.21129187, 0.10303945, -0.05592852, -0.18736873, -0.02132099],
      [0.22627473, 0.10795931, -0.06349319, -0.20369464, -0.05293471],
      [0.23740398, 0.1114461, -0.06936504, -0.21603502, -0.07554556],
      [0.24616509, 0.11410765, -0.07411306, -0.22585565, -0.09250169],
    ],
  },
  {
    args: { lr: 1, max_iter: 3, history_size: 2, line_search_fn: 'strong_wolfe' },
    // the sixth step hangs on a difference of losses that float32 doesn't see
    evaluations: [4, 3, 3, 3, 3],
    after: [
      [0.13425605, 0.07328751, -0.02375281, -0.1091021, -0.26169939],
      [0.13430016, 0.08027074, -0.01326758, -0.10027566, -0.21330648],
      [0.16090321, 0.09298816, -0.02069524, -0.12419254, -0.20993501],
      [0.29283099, 0.12615651, -0.10261163, -0.28087479, -0.15294524],
      [0.3121267, 0.1329787, -0.11162082, -0.30128107, -0.14415271],
    ],
  },
  {
    args: { lr: 8, max_iter: 3, history_size: 3, line_search_fn: 'strong_wolfe' },
    evaluations: [3, 4, 3, 4, 4, 3],
    after: [
      [0.06956964, 0.00572486, -0.06093767, -0.09760695, -0.07871479],
      [0.13540971, 0.08087411, -0.01346737, -0.10118027, -0.22228845],
      [0.13989325, 0.08454489, -0.01241609, -0.10326592, -0.21058811],
      [0.18651327, 0.0954939, -0.04252714, -0.15961651, -0.18850662],
      [0.30289052, 0.13239875, -0.10325908, -0.28809327, -0.15296096],
      [0.31131104, 0.13248714, -0.11154633, -0.3006772, -0.14541635],
    ],
  },
];

it.each(torch)('goes the way of torch in float64: $args', ({ args, evaluations, after }) => {
  const { weights, step, values } = problem();
  const optimizer = createOptimizer({ type: 'LBFGS', ...args }, weights);
  const made = after.map((want, i) => {
    const count = step(optimizer);
    expectClose(values(), want, 2e-5, `step ${i}`);
    return count;
  });
  expect(made).toEqual(evaluations);
});

it('goes on bit for bit from a saved state, and holds no tensor too many', () => {
  const config = { type: 'LBFGS', max_iter: 2, history_size: 2, line_search_fn: 'strong_wolfe' };
  const unbroken = problem();
  const first = createOptimizer(config, unbroken.weights);
  for (let i = 0; i < 4; i++) unbroken.step(first);
  const held = tf.memory().numTensors;
  unbroken.step(first);
  expect(tf.memory().numTensors).toBe(held);

  const state = first.state();
  const resumed = problem();
  resumed.weights.forEach(({ variable: v }, i) => v.assign(unbroken.weights[i]!.variable));
  const second = createOptimizer(config, resumed.weights);
  second.load(state);
  state.tensors.forEach((t) => t.dispose());
  unbroken.step(first);
  resumed.step(second);
  expect(resumed.values()).toEqual(unbroken.values());

  first.dispose();
  second.dispose();
});

it('maximizes by minimizing the negative', () => {
  const [up, down] = [problem(), problem()];
  const config = { type: 'LBFGS', max_iter: 3, line_search_fn: 'strong_wolfe' };
  const climbing = createOptimizer({ ...config, maximize: true }, up.weights);
  up.step(climbing, -1);
  down.step(createOptimizer(config, down.weights));
  expect(up.values()).toEqual(down.values());
});

it('stays where it is when the gradient is nothing', () => {
  const { weights, step, values } = problem();
  const start = values();
  expect(step(createOptimizer({ type: 'LBFGS', tolerance_grad: 1e9 }, weights))).toBe(1);
  expect(values()).toEqual(start);
});

it('says what it needs', () => {
  const { weights } = problem();
  const optimizer = createOptimizer({ type: 'LBFGS' }, weights);
  expect(() => optimizer.step(new Map())).toThrow(OptimizerError);
  expect(() => optimizer.step(new Map())).toThrow(/give it the objective/);
  const groups = weights.map((w) => ({ parameters: [w] }));
  expect(() => optimizers.build({ type: 'LBFGS' }, groups)).toThrow(/give it one group/);
  const scalars = { iterations: 1, evaluations: 1, scale: 1, length: 1 };
  const tensors = new Map([['direction', tf.zeros([3])]]);
  expect(() => optimizer.load({ scalars, tensors })).toThrow(/"direction" must be \[5\].* it is \[3\]/);
  expect(() => optimizer.load({ scalars: {}, tensors })).toThrow(/the number "iterations" is missing/);
});
