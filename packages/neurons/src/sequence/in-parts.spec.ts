import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { Aggregation, type AggregationArgs } from '../layers/aggregation.js';
import { Conv2dLif } from '../layers/conv2d-lif.js';
import { FcLif } from '../layers/fc-lif.js';
import { Lif } from '../layers/lif.js';
import { OverTime } from '../layers/over-time.js';
import type { Form } from '../layers/spiking-layer.js';
import type { NetworkState } from '../stepper/stepper.js';
import { namedWeights } from '../weights/named-weights.js';
import { inParts } from './in-parts.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const SHAPE = [3, 7, 6, 6, 2] as const;

function network(form: Form = 'auto', aggregation: AggregationArgs = { mode: 'mean' }): tf.LayersModel {
  const input = tf.input({ shape: [null, ...SHAPE.slice(2)] });
  const layers = [
    new Conv2dLif({
      name: 'clif',
      hidden_channel: 4,
      kernel_size: 3,
      padding: 1,
      mode: 'analog',
      seed: 1,
      form,
    }),
    new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 })),
    new OverTime(tf.layers.flatten()),
    new FcLif({ name: 'flif', hidden_channel: 5, mode: 'analog', seed: 2, form }),
    new Aggregation({ name: 'together', ...aggregation }),
    ...(aggregation.mode === 'pick' ? [tf.layers.flatten()] : []),
    tf.layers.dense({ name: 'fc', units: 3, kernelInitializer: tf.initializers.randomNormal({ seed: 3 }) }),
  ];
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: output });
}
const clip = () => tf.randomNormal([...SHAPE], 0.3, 1, 'float32', 11);

/** Runs the parts of a clip one after the other; the last output. */
function runParts(model: tf.LayersModel, lengths: readonly number[], training = false): tf.Tensor {
  return tf.tidy(() => {
    const { run } = inParts(model);
    let state: NetworkState | undefined;
    let out: tf.Tensor | undefined;
    for (const part of tf.split(clip(), [...lengths], 1)) ({ out, state } = run(part, { state, training }));
    return out!;
  });
}

describe.each<Form>(['fused', 'composed'])('parts together are the whole, %s form', (form) => {
  it.each<[AggregationArgs]>([
    [{ mode: 'mean' }],
    [{ mode: 'mean', divisor: 20 }],
    [{ mode: 'sum' }],
    [{ mode: 'pick' }],
    [{ mode: 'pick', idx: 2 }],
  ])('%j', (aggregation) => {
    const model = network(form, aggregation);
    const whole = (model.apply(clip()) as tf.Tensor).dataSync();
    for (const lengths of [[7], [3, 4], [1, 1, 5]])
      expectClose(runParts(model, lengths).dataSync(), whole, 1e-5, lengths.join());
  });
});

it('running statistics advance as over the whole', () => {
  const [whole, parts] = [network(), network()];
  const statistics = (model: tf.LayersModel) =>
    namedWeights(model).flatMap((w) => (w.trainable ? [] : Array.from(w.variable.dataSync())));
  const start = statistics(parts);
  whole.apply(clip(), { training: true });
  runParts(parts, [4, 3], true);
  expectClose(statistics(parts), statistics(whole), 1e-5);
  expect(statistics(parts)).not.toEqual(start);
  runParts(parts, [4, 3]);
  expectClose(statistics(parts), statistics(whole), 1e-5);
});

it('no gradient flows into an earlier part', () => {
  // a neuron that never fires: u_t = x_t + 0.3 u_{t-1}
  const input = tf.input({ shape: [null, 1] });
  const soma_params = { alpha: 0.3, theta: 1e9 };
  const u = new Lif({ name: 'lif', mode: 'analog', memb_mode: [0, 'none'], soma_params }).apply(input);
  const { run } = inParts(tf.model({ inputs: input, outputs: u as tf.SymbolicTensor }));
  const scale = tf.variable(tf.scalar(2));
  const x = tf.tensor3d([1, 10, 100, 1000], [1, 4, 1]);
  let state: NetworkState | undefined;
  const slopes = tf.split(x, 2, 1).map((part) => {
    let next: NetworkState | undefined;
    const { grads } = tf.variableGrads(() => {
      const made = run(part.mul(scale), { state });
      next = { lif: { v: tf.keep(made.state['lif']!['v']!.clone()) } };
      return made.out.sum().asScalar();
    }, [scale]);
    state = next;
    return Object.values(grads)[0]!.dataSync()[0];
  });
  // du1 + du2, and du3 + du4 without what came in from u2
  expectClose(slopes as number[], [1 + 10 + 0.3, 100 + 1000 + 30], 1e-4);
});

it('holds no tensors but what it gives', () => {
  const model = network();
  const { run } = inParts(model);
  const x = clip();
  const held = tf.memory().numTensors;
  const { out, state } = run(x, { training: true });
  tf.dispose([out, ...Object.values(state).flatMap((s) => Object.values(s))]);
  expect(tf.memory().numTensors).toBe(held);
});

it('names the layer that can’t be run in parts', () => {
  const input = tf.input({ shape: [4, 3] });
  const mixing = tf.layers.globalAveragePooling1d({ name: 'pool' }).apply(input) as tf.SymbolicTensor;
  expect(() => inParts(tf.model({ inputs: input, outputs: mixing }))).toThrow(
    /pool.*sees the whole sequence/,
  );

  class Counter extends tf.layers.Layer {
    initialState = () => ({ n: tf.scalar(0) });
    step = (x: tf.Tensor, state: object) => ({ out: x, state });
    override call = (x: tf.Tensor | tf.Tensor[]) => x;
    override computeOutputShape = (shape: tf.Shape | tf.Shape[]) => shape;
    static readonly className = 'Counter';
  }
  const counted = new Counter({ name: 'counter' }).apply(input) as tf.SymbolicTensor;
  expect(() => inParts(tf.model({ inputs: input, outputs: counted }))).toThrow(
    /counter.*has a state but no run\(x, \{ state \}\)/,
  );
});
