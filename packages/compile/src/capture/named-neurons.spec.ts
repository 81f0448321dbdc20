import { NEURONS, type NeuronName } from '@bidl/dynamics';
import { startEngine, tf } from '@bidl/engine';
import { createExecutor, runSequence } from '@bidl/graph';
import { Delay, Lif, stepper } from '@bidl/neurons';
import { expectClose } from '@bidl/testing';
import { capture } from './capture.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const network = (layer: tf.layers.Layer) => {
  const input = tf.input({ shape: [12, 3], name: 'input' });
  return tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor, name: 'net' });
};
/** Inputs that make these fire; the others take what comes. */
const DRIVE: Partial<Record<NeuronName, number>> = {
  ALIF: 15,
  Izhikevich: 15,
  AdEx: 30000,
  HodgkinHuxley: 30,
};

test.each(Object.keys(NEURONS) as NeuronName[])('%s compiles by itself: step graph = stepper', (name) => {
  const model = network(new Lif({ name: 'own', neuron: name }));
  const frames = tf.unstack(tf.randomUniform([2, 12, 3], -0.5, 2, 'float32', 4).mul(DRIVE[name] ?? 1), 1);
  const { initialState, step } = stepper(model);
  let state = initialState(2);
  const graph = createExecutor(capture(model));
  const { outputs } = runSequence(
    graph,
    frames.map((frame) => [Float32Array.from(frame.dataSync())]),
    2,
  );
  frames.forEach((frame, t) => {
    const next = step(frame, state);
    state = next.state;
    expectClose(outputs[t][0], next.out.dataSync(), { atol: 1e-5, rtol: 1e-5 }, `step ${t}`);
  });
});

test('a delay is refused, by name', () => {
  expect(() => capture(network(new Delay({ name: 'delay' })))).toThrow('(Delay) keeps a state');
});
