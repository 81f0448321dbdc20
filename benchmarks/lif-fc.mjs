// Linear(512) and LIF, T 500, B 16, forward and backward. snnTorch takes 406 ms for it on two cores.
import { lif, rectangle } from '@bidl/dynamics';
import { neuronScan, startEngine, tf } from '@bidl/engine';

const [B, T, N] = [16, 500, 512];

export async function cases() {
  await startEngine({ backend: 'tensorflow' });
  const x = tf.randomUniform([B * T, N], 0, 1, 'float32', 1);
  const kernel = tf.variable(tf.randomNormal([N, N], 0, 0.05, 'float32', 2));
  const bias = tf.variable(tf.zeros([N]));
  const constant = (value) => tf.variable(tf.scalar(value), false);
  const params = { alpha: constant(0.9), beta: constant(0), theta: constant(1), v0: constant(0) };
  const run = (form) => () => {
    const { value, grads } = tf.variableGrads(() => {
      const current = tf.reshape(tf.matMul(x, kernel), [B, T, N]);
      return tf.sum(
        neuronScan(lif(), { x: current, bias, params, surrogate: rectangle(), training: true, form }).out,
      );
    }, [kernel, bias]);
    value.dataSync();
    tf.dispose([value, grads]);
  };
  return [
    {
      name: `lif-fc-${N}`,
      mode: 'spike',
      forms: ['fused', 'composed'].map((form) => ({ form, run: run(form) })),
    },
  ];
}
