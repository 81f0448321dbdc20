import { startEngine, tf } from '@bidl/engine';
import { expectClose, golden, goldenCases } from '@bidl/testing';
import type { NamedVariable } from '../classifier.js';
import './adam.js';
import './sgd.js';
import { createOptimizer } from './optimizer.js';

const variableOf = (name: string, data: ArrayLike<number>, shape: readonly number[]): NamedVariable => ({
  name,
  trainable: true,
  variable: tf.variable(tf.tensor(Array.from(data), [...shape], 'float32')),
});

type Tolerance = Parameters<typeof expectClose>[2];

beforeAll(() => startEngine());

describe('optimizers against PyTorch, step by step', () => {
  it.each(goldenCases('optimizers', /^(SGD|Adam(_|$)|AdamW)/))('%s', (name) => {
    const { json, get } = golden('optimizers', name);
    const w = variableOf('w', get('w0').data as Float32Array, get('w0').shape);
    const b = variableOf('b', get('b0').data as Float32Array, get('b0').shape);
    const optimizer = createOptimizer({ type: json.optimizer, ...(json.args as object) }, [w, b]);
    const [steps = 0] = get('gw').shape;
    for (let i = 0; i < steps; i++) {
      const row = (array: string, like: NamedVariable) => {
        const { size } = like.variable;
        return (get(array).data as Float32Array).subarray(i * size, (i + 1) * size);
      };
      tf.tidy(() => {
        optimizer.step(
          new Map([
            ['w', tf.tensor(row('gw', w), w.variable.shape)],
            ['b', tf.tensor(row('gb', b), b.variable.shape)],
          ]),
        );
      });
      const tolerance = { atol: json.tolerance as unknown as number, rtol: 0 };
      expectClose(w.variable.dataSync(), row('w', w), tolerance, `w after step ${i}`);
      expectClose(b.variable.dataSync(), row('b', b), tolerance, `b after step ${i}`);
    }
    optimizer.dispose();
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
});
