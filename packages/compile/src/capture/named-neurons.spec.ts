import { NEURONS, type NeuronName } from '@bidl/dynamics';
import { startEngine, tf } from '@bidl/engine';
import { createExecutor, runSequence } from '@bidl/graph';
import { Delay, Lif, RCubaLif, stepper } from '@bidl/neurons';
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

const layers: [string, () => tf.layers.Layer, number][] = [
  ...(Object.keys(NEURONS) as NeuronName[]).map((name): [string, () => tf.layers.Layer, number] => [
    name,
    () => new Lif({ name: 'own', neuron: name }),
    DRIVE[name] ?? 1,
  ]),
  ['Delay', () => new Delay({ name: 'own', delay: [0, 2, 4] }), 1],
  ['Delay of all', () => new Delay({ name: 'own', delay: 3, max_delay: 5 }), 1],
  ['Delay of none', () => new Delay({ name: 'own', delay: 0 }), 1],
  ['RCubaLif', () => new RCubaLif({ name: 'own', hidden_channel: 4, seed: 1 }), 3],
];

test.each(layers)('%s compiles by itself: step graph = stepper', (_, layer, drive) => {
  const model = network(layer());
  const frames = tf.unstack(tf.randomUniform([2, 12, 3], -0.5, 2, 'float32', 4).mul(drive), 1);
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
