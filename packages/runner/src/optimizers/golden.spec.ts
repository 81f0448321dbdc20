import { startEngine, tf } from '@bidl/engine';
import { expectClose, golden, goldenCases, type Golden } from '@bidl/testing';
import type { NamedVariable } from '../classifier.js';
import './builtin.js';
import { createOptimizer, type Objective } from './optimizer.js';

const variableOf = (name: string, data: ArrayLike<number>, shape: readonly number[]): NamedVariable => ({
  name,
  trainable: true,
  variable: tf.variable(tf.tensor(Array.from(data), [...shape], 'float32')),
});

/** Row `i` of an array, as one of its tensors. */
function row({ get }: Golden, array: string, i: number): tf.Tensor {
  const { data, shape } = get(array);
  const [, ...rest] = shape;
  const size = rest.reduce((a, b) => a * b, 1);
  return tf.tensor((data as Float32Array).slice(i * size, (i + 1) * size), rest);
}

/**
 * On this problem L-BFGS multiplies rounding from step to step: torch's own run in float64 is off the stored float32 one
 * by 4e-6 after the third step, by 0.02 after the fourth and by 10 after the tenth. So each of the first three steps is
 * taken from the stored weights; lbfgs.spec.ts follows torch on a problem that can be followed.
 */
const LBFGS_STEPS = 3;

type Tolerance = Parameters<typeof expectClose>[2];

beforeAll(() => startEngine());

describe('against PyTorch, step by step', () => {
  const cases = goldenCases('optimizers');

  it('covers every optimizer', () => {
    expect(new Set(cases.map((name) => golden('optimizers', name).json['optimizer']))).toEqual(
      new Set('SGD Adam AdamW NAdam RAdam Adamax Adagrad Adadelta RMSprop Rprop ASGD LBFGS'.split(' ')),
    );
  });

  it.each(cases)('%s', (name) => {
    const data = golden('optimizers', name);
    const { json, get } = data;
    const w = variableOf('w', get('w0').data as Float32Array, get('w0').shape);
    const b = variableOf('b', get('b0').data as Float32Array, get('b0').shape);
    const optimizer = createOptimizer({ type: json['optimizer'], ...(json['args'] as object) }, [w, b]);
    const lbfgs = json['optimizer'] === 'LBFGS';
    const steps = lbfgs ? LBFGS_STEPS : (get('w').shape[0] ?? 0);
    const tolerance = { atol: json.tolerance as number, rtol: 0 };
    for (let i = 0; i < steps; i++) {
      tf.tidy(() => {
        if (data.arrays.has('gw')) {
          optimizer.step(
            new Map([
              ['w', row(data, 'gw', i)],
              ['b', row(data, 'gb', i)],
            ]),
          );
          return;
        }
        const evaluate = () => regression(w, b, row(data, 'x', i), row(data, 'y', i));
        const { loss, gradients } = evaluate();
        expectClose([loss], [Number(get('loss').data[i])], tolerance, `loss ${i}`);
        const objective: Objective = { loss, evaluate };
        optimizer.step(gradients, objective);
      });
      expectClose(w.variable.dataSync(), row(data, 'w', i).dataSync(), tolerance, `w after step ${i}`);
      expectClose(b.variable.dataSync(), row(data, 'b', i).dataSync(), tolerance, `b after step ${i}`);
      if (lbfgs) [w, b].forEach(({ name: array, variable }) => variable.assign(row(data, array, i)));
    }
    optimizer.dispose();
  });

  /** The golden problem: mean((tanh(x·w + b) − y)²). */
  function regression(w: NamedVariable, b: NamedVariable, x: tf.Tensor, y: tf.Tensor) {
    const { value, grads } = tf.variableGrads(
      () =>
        tf
          .mean(tf.square(tf.sub(tf.tanh(tf.add(tf.matMul(x, w.variable as tf.Tensor), b.variable)), y)))
          .asScalar(),
      [w.variable, b.variable],
    );
    return {
      loss: value.dataSync()[0]!,
      gradients: new Map([w, b].map(({ name, variable }) => [name, grads[variable.name]!])),
    };
  }
});

it.each(goldenCases('schedules', /^opt_/))('%s, as upstream builds it', (name) => {
  const { json, get } = golden('schedules', name);
  const members = ['0', '1'].map((i) =>
    variableOf(i, get(`p0/${i}`).data as Float32Array, get(`p0/${i}`).shape),
  );
  const type = String(json.class).replace('torch.optim.', '');
  const optimizer = createOptimizer({ type, ...(json.ctor as object) }, members);
  for (let step = 0; step < 5; step++) {
    tf.tidy(() => {
      const gradients = members.map(({ name: i, variable }) => {
        const grad = get(`grad/${step}/${i}`).data as Float32Array;
        return [i, tf.tensor(grad, variable.shape)] as const;
      });
      optimizer.step(new Map(gradients));
    });
    for (const { name: i, variable } of members) {
      const want = get(`p/${step}/${i}`).data as Float32Array;
      expectClose(
        variable.dataSync(),
        want,
        json.tolerance as Tolerance,
        `parameter ${i} after step ${step}`,
      );
    }
  }
  optimizer.dispose();
});
