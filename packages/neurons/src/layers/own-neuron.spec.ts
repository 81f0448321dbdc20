import { defineNeuron } from '@bidl/dynamics';
import { startEngine, tf } from '@bidl/engine';
import { stepper } from '../stepper/stepper.js';
import { namedWeights } from '../weights/named-weights.js';
import { FcLif } from './fc-lif.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const integrator = defineNeuron({
  name: 'integrator',
  state: { v: 0.5 },
  params: { leak: 0.9 },
  step: (o, x, { v }, p) => {
    const u = o.add(o.mul(p.leak, v), x);
    return { out: o.tanh(u), state: { v: u } };
  },
});

test('a layer takes a neuron of your own: over a sequence and step by step', () => {
  const layer = new FcLif({ name: 'own', hidden_channel: 3, neuron: integrator, norm_state: false, seed: 1 });
  const input = tf.input({ shape: [4, 2], name: 'input' });
  const model = tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
  expect(namedWeights(model).map(({ name }) => name)).toEqual(['own/kernel', 'own/bias', 'own/leak']);
  tf.tidy(() => {
    const x = tf.randomUniform([2, 4, 2], -1, 1, 'float32', 3);
    const whole = model.apply(x) as tf.Tensor;
    const { initialState, step } = stepper(model);
    let state = initialState(2);
    expect(Array.from(state['own']!['v']!.dataSync())).toEqual(Array(6).fill(0.5));
    const seen: string[] = [];
    const outs = tf.unstack(x, 1).map((frame) => {
      const next = step(frame, state, ({ name }, [given], out) => {
        seen.push(`${name} ${given!.shape.join()} ${out.shape.join()}`);
      });
      state = next.state;
      return next.out;
    });
    expect(seen).toEqual(Array(4).fill('own 2,2 2,3'));
    const distance = tf.stack(outs, 1).sub(whole).abs().max().dataSync()[0]!;
    expect(distance).toBeLessThan(1e-6);
  });
  model.dispose();
});

test('LIF’s arguments stay out of it', () => {
  const make = () => new FcLif({ name: 'own', hidden_channel: 3, neuron: integrator, mode: 'analog' });
  expect(make).toThrow('layer "own": mode belongs to LIF, but the layer has the neuron "integrator"');
});

test('a saved model can not hold it', () => {
  const layer = new FcLif({ name: 'own', hidden_channel: 3, neuron: integrator });
  expect(() => layer.getConfig()).toThrow('has a neuron of its own ("integrator")');
});
