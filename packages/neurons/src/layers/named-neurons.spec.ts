import { NEURONS, type NeuronName } from '@bidl/dynamics';
import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { stepper } from '../stepper/stepper.js';
import { FcLif } from './fc-lif.js';
import { Lif } from './lif.js';
import { RCubaLif } from './rcuba-lif.js';
import { RLif } from './rlif.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const names = Object.keys(NEURONS) as NeuronName[];
/** Inputs that make these fire; the others take what comes. */
const DRIVE: Partial<Record<NeuronName, number>> = {
  ALIF: 15,
  Izhikevich: 15,
  AdEx: 30000,
  HodgkinHuxley: 30,
};
const network = (...layers: tf.layers.Layer[]) => {
  const input = tf.input({ shape: [12, 3], name: 'input' });
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: output });
};
const input = (scale = 1) => tf.randomUniform([2, 12, 3], -0.5, 2, 'float32', 4).mul(scale);

function stepped(model: tf.LayersModel, x: tf.Tensor): tf.Tensor {
  const { initialState, step } = stepper(model);
  let state = initialState(2);
  const outs = tf.unstack(x, 1).map((frame) => {
    const next = step(frame, state);
    state = next.state;
    return next.out;
  });
  return tf.stack(outs, 1);
}

describe('every neuron by name, in a layer', () => {
  test.each(names)('%s: sequence = stepper, and it survives saving', async (name) => {
    const model = network(new Lif({ name: 'own', neuron: name, form: 'composed' }));
    const x = input(DRIVE[name]);
    const whole = (model.apply(x) as tf.Tensor).dataSync();
    expectClose(stepped(model, x).dataSync(), whole, { atol: 1e-5, rtol: 1e-5 });
    if (name !== 'HodgkinHuxley') expect(Math.max(...whole)).toBeGreaterThan(0);
    const topology = JSON.parse(model.toJSON(null, true) as string) as object;
    const loaded = await tf.models.modelFromJSON({ modelTopology: topology } as never);
    expect((loaded.getLayer('own') as Lif).neuron.name).toBe(NEURONS[name]().name);
    expect((loaded.apply(x) as tf.Tensor).dataSync()).toEqual(whole);
  });
});

test('PLIF trains its decay by default, what is named when asked, nothing when forbidden', () => {
  const trained = (soma_params?: ConstructorParameters<typeof FcLif>[0]['soma_params']) => {
    const layer = new FcLif({
      hidden_channel: 2,
      neuron: 'PLIF',
      name: 'p',
      ...(soma_params && { soma_params }),
    });
    layer.apply(tf.zeros([1, 2, 3]));
    return layer.trainableWeights.map((w) => w.originalName).filter((n) => /\/(w|theta|v0)$/.test(n));
  };
  expect(trained()).toEqual(['p/w']);
  expect(trained({ w: -1 })).toEqual(['p/w']);
  expect(trained('channel_share')).toEqual(['p/w']);
  expect(trained({ learn: ['theta'] })).toEqual(['p/theta']);
  expect(trained({ learn: true })).toEqual(['p/w', 'p/theta', 'p/v0']);
  expect(trained({ learn: false })).toEqual([]);
  expect(() => trained({ learn: ['tau'] })).toThrow(
    'soma_params.learn names tau; the neuron has w, theta, v0',
  );
});

test('PLIF learns the time constant that made a membrane', () => {
  // The teacher's τ is 5; spikes are rare, the loss is on the rate over time.
  const x = tf.randomUniform([16, 20, 8], 0, 4, 'float32', 1);
  const teacher = new Lif({ neuron: 'PLIF', soma_params: { w: -Math.log(4) }, name: 'teacher' });
  const rate = (layer: Lif) => (layer.apply(x) as tf.Tensor).mean(1);
  const want = rate(teacher);
  const student = new Lif({ neuron: 'PLIF', spike_func: 'Sigmoid', name: 'student' });
  rate(student);
  const optimizer = tf.train.adam(0.1);
  for (let i = 0; i < 40; i++) {
    optimizer.minimize(() => rate(student).mean().sub(want.mean()).square() as tf.Scalar);
  }
  const w = student.weights
    .find(({ originalName }) => originalName === 'student/w')!
    .read()
    .dataSync()[0]!;
  expect(1 + Math.exp(-w)).toBeGreaterThan(4.4);
  expect(1 + Math.exp(-w)).toBeLessThan(5.6);
});

test('RCubaLif is RLif with CUBA-LIF neurons, and survives saving', async () => {
  const model = network(new RCubaLif({ name: 'r', hidden_channel: 4, seed: 1, reset: 'subtract' }));
  const neuron = { type: 'CubaLIF', reset: 'subtract' };
  const same = network(new RLif({ name: 'r', hidden_channel: 4, seed: 1, neuron }));
  const whole = (model.apply(input(3)) as tf.Tensor).dataSync();
  expect(Math.max(...whole)).toBe(1);
  expect((same.apply(input(3)) as tf.Tensor).dataSync()).toEqual(whole);
  expectClose(stepped(model, input(3)).dataSync(), whole, 1e-6);
  const topology = JSON.parse(model.toJSON(null, true) as string) as object;
  const loaded = await tf.models.modelFromJSON({ modelTopology: topology } as never);
  loaded.setWeights(model.getWeights());
  expect((loaded.apply(input(3)) as tf.Tensor).dataSync()).toEqual(whole);
});

test.each<[ConstructorParameters<typeof Lif>[0], string]>([
  [{ neuron: 'PLIFF' }, 'layer "a": neuron "PLIFF" is unknown. Did you mean "PLIF"?'],
  [{ neuron: { type: 'IF', tau: 2 } }, 'neuron.tau is unknown; IF has reset; parameters go into soma_params'],
  [{ neuron: { type: 'IF', reset: 'soft' } }, 'neuron: if: reset "soft" is unknown; use zero, subtract'],
  [{ neuron: { type: 'AdEx', dt: -1 } }, 'neuron: adex: dt is -1; give the time step in ms, above 0'],
  [{ neuron: 'LI', mode: 'analog' }, 'mode belongs to LIF, but the layer has the neuron "li"'],
])('%j is refused', (args, message) => {
  expect(() => new Lif({ ...args, name: 'a' })).toThrow(message);
});
