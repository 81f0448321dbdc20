import { arctan, defineNeuron, type Surrogate } from '@bidl/dynamics';
import { startEngine, tf } from '@bidl/engine';
import {
  Aggregation,
  Conv2dLif,
  Conv2dLifPlus,
  FcLif,
  FcLifPlus,
  namedWeights,
  OverTime,
  RLif,
  SpikingLayer,
  TCJA,
  TemporalWiseAttention,
  type Form,
  type LifPlusArgs,
} from '@bidl/neurons';
import { CrossEntropyLoss } from './losses/cross-entropy.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

/** Spikes are replaced by the surrogate's own integral, so the surrogate gradient is a true one. */
const smooth: Surrogate = (({ primitive, derivative, args }) => {
  if (!primitive) throw new Error('arctan has an integral');
  return { name: 'smooth_arctan', args, derivative, forward: primitive };
})(arctan());

const adaptive = defineNeuron({
  name: 'adaptive',
  state: { v: 0, a: 0 },
  params: { alpha: 0.3, rho: 0.8, theta: 0.5, jump: 0.1 },
  step: (o, x, { v, a }, p) => {
    const u = o.norm(o.add(x, v));
    const spike = o.fire(o.sub(u, o.add(p.theta, a)));
    const kept = o.blend(spike, o.constant(0), u);
    return {
      out: spike,
      state: { v: o.mul(p.alpha, kept), a: o.add(o.mul(p.rho, a), o.mul(p.jump, spike)) },
    };
  },
});

interface Layers {
  readonly conv: (name: string) => tf.layers.Layer;
  readonly fc: (name: string) => tf.layers.Layer;
}

const window = { hidden_channel: 3, kernel_size: 3, padding: 1, noise: 0, seed: 1 };
const units = { hidden_channel: 4, noise: 0, seed: 2 };
type LifArgs = Partial<ConstructorParameters<typeof FcLif>[0]>;

const lif = (args: LifArgs): Layers => ({
  conv: (name) => new Conv2dLif({ ...window, soma_params: { learn: true }, ...args, name }),
  fc: (name) => new FcLif({ ...units, soma_params: { learn: true }, ...args, name }),
});
const plus = (args: LifPlusArgs): Layers => ({
  conv: (name) =>
    new Conv2dLifPlus({ ...window, mode: 'spike', soma_params: { learn: true }, ...args, name }),
  fc: (name) => new FcLifPlus({ ...units, mode: 'spike', soma_params: { learn: true }, ...args, name }),
});

/** Every neuron; the features of LIF+ in both variants. Refractory periods are counted, so they have no slope. */
const FEATURES: readonly LifPlusArgs[] = [
  {},
  { input_accum: 1 },
  { input_accum: 2, rev_volt: true },
  { fire_refrac: 2 },
  { spike_init: 1 },
  { spike_init: 2, trig_current: 1 },
  { trig_current: 2, memb_decay: 1 },
  { memb_decay: 2 },
];
const NEURONS: readonly (readonly [string, Layers])[] = [
  ['LIF', lif({ mode: 'spike' })],
  [
    'LIF, BatchNorm in front',
    {
      ...lif({ mode: 'spike' }),
      conv: (name) => new Conv2dLif({ ...window, mode: 'spike', norm_state: false, name }),
    },
  ],
  ...([0, 1, 2, 3] as const).map(
    (tap) =>
      [
        `LIAF, tap ${tap}`,
        lif({ mode: 'analog', memb_mode: [tap, tap % 2 === 0 ? 'tanh' : 'sigmoid'] }),
      ] as const,
  ),
  ['a neuron of its own', lif({ neuron: adaptive })],
  [
    'LIF with recurrence',
    { ...lif({ mode: 'spike' }), fc: (name) => new RLif({ ...units, mode: 'spike', name }) },
  ],
  ...(['faithful', 'documented'] as const).flatMap((variant) =>
    FEATURES.map(
      (features) => [`LIF+ ${variant} ${JSON.stringify(features)}`, plus({ variant, ...features })] as const,
    ),
  ),
];

const STEPS = 4;
/** Distance of the differences: the nearest that float32 leaves digits of. Four of them leave an error of H⁴. */
const H = 0.005;
// A BatchNorm over few values bends so sharply that no difference would be small enough.
const BATCH = 24;
const clips = () => tf.randomNormal([BATCH, STEPS, 4, 4, 2], 0.3, 1, 'float32', 5);
const LABELS = Array.from({ length: BATCH }, (_, i) => i % 3);

function network({ conv, fc }: Layers, between: readonly tf.layers.Layer[] = []): tf.LayersModel {
  const input = tf.input({ shape: [STEPS, 4, 4, 2] });
  const kernelInitializer = tf.initializers.randomNormal({ stddev: 1, seed: 4 });
  const layers = [
    conv('clif'),
    ...between,
    new OverTime(tf.layers.averagePooling2d({ poolSize: 2, strides: 2, name: 'ap' })),
    new OverTime(tf.layers.flatten({ name: 'flat' })),
    fc('flif'),
    new Aggregation({ name: 'mean' }),
    tf.layers.dense({ name: 'fc', units: 3, kernelInitializer }),
  ];
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: output });
}

/**
 * The gradient against differences of the loss: for every weight the slope along its own gradient, and all of them
 * together to a relative error below 1e-3. Gives the number of weights that have a gradient.
 */
function checkGradients(model: tf.LayersModel, form: Form): number {
  for (const layer of model.layers) {
    if (layer instanceof SpikingLayer) Object.assign(layer, { surrogate: smooth, form });
  }
  const x = clips();
  const loss = () =>
    new CrossEntropyLoss().compute(model.apply(x, { training: true }) as tf.Tensor, LABELS).asScalar();
  const lossAt = (weight: tf.Variable, direction: tf.Tensor, h: number): number =>
    tf.tidy(() => {
      const start = weight.clone();
      weight.assign(start.add(direction.mul(h)));
      const value = loss().dataSync()[0] ?? NaN;
      weight.assign(start);
      return value;
    });
  const { grads } = tf.tidy(() => tf.variableGrads(loss));
  const slopes = namedWeights(model)
    .filter(({ trainable }) => trainable)
    .map(({ name, variable }) => {
      const gradient = grads[variable.name];
      const norm = gradient?.norm().dataSync()[0] ?? 0;
      // A bias in front of a BatchNorm has none, nor has a parameter that the neuron doesn't use.
      if (!gradient || norm < 1e-4) return { name, norm, found: norm };
      const direction = gradient.div(norm);
      const difference = (k: number) =>
        lossAt(variable, direction, H * k) - lossAt(variable, direction, -H * k);
      return { name, norm, found: (8 * difference(1) - difference(2)) / (12 * H) };
    });
  const length = (values: readonly number[]) => Math.hypot(...values);
  const error =
    length(slopes.map(({ norm, found }) => norm - found)) / length(slopes.map(({ norm }) => norm));
  expect(error < 1e-3 ? 'close' : { error, slopes }).toBe('close');
  tf.dispose([x, grads as unknown as tf.TensorContainer]);
  model.dispose();
  return slopes.filter(({ norm }) => norm >= 1e-4).length;
}

describe('gradients of whole networks are what finite differences find', () => {
  test.each(NEURONS)('%s', (_, layers) => {
    expect(checkGradients(network(layers), 'composed')).toBeGreaterThan(4);
  });

  test.each(NEURONS.filter(([name]) => !name.startsWith('LIF+')))('%s, fused', (_, layers) => {
    expect(checkGradients(network(layers), 'fused')).toBeGreaterThan(4);
  });

  test('attention over time and channels', () => {
    const attention = [
      new TemporalWiseAttention({ T: STEPS, name: 'twa', seed: 8 }),
      new TCJA({ T: STEPS, channel: 3, name: 'tcja', seed: 3 }),
    ];
    expect(checkGradients(network(lif({ mode: 'spike' }), attention), 'composed')).toBeGreaterThan(6);
  });
});
