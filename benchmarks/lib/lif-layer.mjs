import { fastSigmoid } from '@bidl/dynamics';
import { neuronScan, tf } from '@bidl/engine';
import { ndarray } from '@bidl/formats';

const B = 16;
/** SuperSpike of slope 1: all frameworks have it (Norse's slope is fixed). */
const surrogate = fastSigmoid({ slope: 1 });

/** Uniform currents x [B, T, n] that make about every fourth step a spike, or inputs and weights that do. */
export function lifInputs(n, steps, linear) {
  const array = (tensor) => {
    const { shape } = tensor;
    const data = tensor.dataSync();
    tensor.dispose();
    return ndarray(data, shape);
  };
  const x = array(tf.randomUniform([B, steps, n], 0, linear ? 1 : 0.6, 'float32', 1));
  if (!linear) return new Map([['x', x]]);
  const kernel = array(tf.randomNormal([n, n], 0.5 / n, 1 / Math.sqrt(n), 'float32', 2));
  return new Map([
    ['x', x],
    ['kernel', kernel],
    ['bias', ndarray(new Float32Array(n), [n])],
  ]);
}

/** A neuron (`definition`, `params`) over given inputs. */
export class LifLayer {
  constructor({ definition, params }, inputs) {
    this.definition = definition;
    const scalars = Object.entries(params).map(([name, value]) => [
      name,
      tf.variable(tf.scalar(value), false),
    ]);
    this.params = Object.fromEntries(scalars);
    this.tensors = new Map(
      [...inputs].map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape))]),
    );
    this.shape = inputs.get('x').shape;
    this.trained = inputs.has('kernel') ? ['kernel', 'bias'] : ['x'];
  }

  /** Spikes [B, T, n]. */
  forward(form) {
    const [batch, steps, n] = this.shape;
    const x = this.tensors.get('x');
    const kernel = this.tensors.get('kernel');
    const current = kernel ? tf.matMul(x.reshape([batch * steps, n]), kernel).reshape(this.shape) : x;
    const options = { params: this.params, surrogate, training: true, form };
    const bias = this.tensors.get('bias');
    return neuronScan(this.definition, { x: current, ...(bias && { bias }), ...options }).out;
  }

  /** Forward, sum of spikes, backward. `use` sees the spikes and gradients before they go. */
  step(form, use = ({ loss }) => loss.dataSync()) {
    let spikes;
    const variables = this.trained.map((name) => this.tensors.get(name));
    const { value: loss, grads } = tf.variableGrads(() => {
      spikes = tf.keep(this.forward(form));
      return tf.sum(spikes);
    }, variables);
    const result = use({ loss, spikes, grads: variables.map(({ name }) => grads[name]) });
    tf.dispose([loss, spikes, grads]);
    return result;
  }

  /** Spikes and gradients by the names that the peers use. */
  results() {
    return this.step('auto', ({ spikes, grads }) => {
      const gradients = this.trained.map((name, i) => [`grad/${name}`, grads[i].dataSync()]);
      return new Map([['out', spikes.dataSync()], ...gradients]);
    });
  }

  dispose() {
    tf.dispose([Object.values(this.params), ...this.tensors.values()]);
  }
}
