// What SpikingJelly's version of the network computes (peers/with_spikingjelly.py), from our pieces, so that the peer can be
// checked: the same layers and weights, but BatchNorm over the whole sequence, in front of the neurons. It is never timed.
import { lif, rectangle } from '@bidl/dynamics';
import { frames, neuronScan, tf } from '@bidl/engine';

const EPSILON = 1e-5;
/** A neuron's parameters and where they are among a layer's weights. */
const NEURON = { alpha: 'alpha', beta: 'beta', theta: 'theta', v0: 'v_0' };
const TRAINED = /(kernel|bias|norm\/(gamma|beta))$/;

/** Logits, loss and gradients by the names that the peers use. @param loss of (logits, labels) */
export function results(weights, batch, loss) {
  const variables = new Map(
    [...weights].map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape))]),
  );
  const x = frames(batch.img.data, batch.img.shape);
  const found = new Map([['infer/logits', tf.tidy(() => forward(variables, x, false).dataSync())]]);
  const trained = [...variables].filter(([name]) => TRAINED.test(name));
  let logits;
  const { value, grads } = tf.variableGrads(
    () => {
      logits = tf.keep(forward(variables, x, true));
      return loss(logits, batch.labels.data);
    },
    trained.map(([, variable]) => variable),
  );
  found.set('train/loss', value.dataSync());
  found.set('train/logits', logits.dataSync());
  for (const [name, variable] of trained) found.set(`grad/${name}`, grads[variable.name].dataSync());
  tf.dispose([x, logits, value, grads, ...variables.values()]);
  return found;
}

/** [B, T, H, W, C] -> logits [B, classes]. */
function forward(weights, x, training) {
  const [batch, steps] = x.shape;
  let maps = x.toFloat().reshape([batch * steps, ...x.shape.slice(2)]);
  for (const name of ['clif1', 'clif2', 'clif3']) {
    const currents = normalised(weights, name, conv(weights, name, maps), training);
    maps = tf.maxPool(spikes(weights, name, currents, batch, steps), 2, 2, 'valid');
  }
  let features = maps.reshape([batch * steps, -1]);
  for (const i of [0, 2, 4]) {
    features = tf.add(tf.matMul(features, weights.get(`head/${i}/kernel`)), weights.get(`head/${i}/bias`));
    if (i < 4) features = tf.relu(features);
  }
  return tf.mean(features.reshape([batch, steps, -1]), 1);
}

const conv = (weights, name, maps) =>
  tf.add(tf.conv2d(maps, weights.get(`${name}/kernel`), 1, 'same'), weights.get(`${name}/bias`));

function normalised(weights, name, x, training) {
  const of = (part) => weights.get(`${name}/norm/${part}`);
  const mean = training ? average(x) : of('mean');
  const variance = training ? average(tf.square(tf.sub(x, mean))) : of('variance');
  return tf.batchNorm(x, mean, variance, of('beta'), of('gamma'), EPSILON);
}

/** By channel, an axis at a time: TensorFlow's sum over half a million values at once is off in the fourth digit. */
const average = (x) => [2, 1, 0].reduce((sum, axis) => tf.mean(sum, axis), x);

function spikes(weights, name, x, batch, steps) {
  const parameters = Object.entries(NEURON).map(([key, part]) => [key, weights.get(`${name}/${part}`)]);
  const options = { params: Object.fromEntries(parameters), surrogate: rectangle(), training: false };
  const currents = x.reshape([batch, steps, ...x.shape.slice(1)]);
  return neuronScan(lif(), { x: currents, form: 'composed', ...options }).out.reshape(x.shape);
}
