import { defineNeuron } from '@bidl/dynamics';
import { tf } from '@bidl/engine';
import { Aggregation, Conv2dLif, Delay, FcLif, Lif, OverTime, type SpikingArgs } from '@bidl/neurons';
import fc from 'fast-check';

/** A neuron that no package knows: threshold that adapts, second state, exponential leak. */
export const adaptive = defineNeuron({
  name: 'adaptive',
  state: { v: 0, a: 0.1 },
  params: { leak: 0.7, rate: 0.2, theta: 0.4 },
  step: (o, x, { v, a }, p) => {
    const u = o.add(o.mul(p.leak, v), o.tanh(x));
    const spike = o.fire(o.sub(u, o.add(p.theta, a)));
    return {
      out: spike,
      state: {
        v: o.blend(spike, o.constant(0), u),
        a: o.add(o.mul(o.constant(0.9), a), o.mul(p.rate, spike)),
      },
    };
  },
});

/** A description of a random small network; `build` makes the same one every time. */
export interface NetworkPlan {
  readonly seed: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly timesteps: number;
  readonly body: readonly BlockPlan[];
  readonly aggregate: 'mean' | 'sum' | 'pick' | 'first' | 'features';
}

interface BlockPlan {
  readonly kind: (typeof KINDS)[number];
  readonly soma: (typeof SOMAS)[number];
  readonly mode: (typeof MODES)[number];
  readonly memb: readonly [number, 'relu' | 'tanh' | 'sigmoid' | null];
  readonly norm: boolean;
  readonly mp: boolean;
}

const KINDS = ['conv', 'residual', 'grouped', 'maxPool', 'lif', 'own', 'delay', 'avgPool', 'dense'] as const;
const SOMAS = ['all_share', 'channel_share', 'numbers'] as const;
const MODES = ['spike', 'analog'] as const;

const block: fc.Arbitrary<BlockPlan> = fc.record({
  kind: fc.constantFrom(...KINDS),
  soma: fc.constantFrom(...SOMAS),
  mode: fc.constantFrom(...MODES),
  memb: fc.tuple(fc.constantFrom(0, 1, 2, 3), fc.constantFrom('relu', 'tanh', 'sigmoid', null)),
  norm: fc.boolean(),
  mp: fc.boolean(),
});

export const networkPlan: fc.Arbitrary<NetworkPlan> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 30 }),
  height: fc.integer({ min: 4, max: 7 }),
  width: fc.integer({ min: 4, max: 7 }),
  channels: fc.constantFrom(1, 2, 3),
  timesteps: fc.integer({ min: 1, max: 4 }),
  body: fc.array(block, { minLength: 1, maxLength: 4 }),
  aggregate: fc.constantFrom('mean', 'sum', 'pick', 'first', 'features'),
});

/** Plans that hold every kind of block, with every kind of parameters, spiking and analog: none is left to chance. */
export const everyKind: readonly NetworkPlan[] = SOMAS.flatMap((soma, i) =>
  MODES.map((mode, k) => ({
    seed: 10 * i + k + 1,
    height: 6,
    width: 5,
    channels: 2,
    timesteps: 3,
    body: KINDS.map((kind) => ({
      ...{ kind, soma, mode, memb: [i, 'relu'] as const },
      norm: k === 0,
      mp: kind === 'grouped',
    })),
    aggregate: 'mean',
  })),
);

/** The network of a plan, with weights and running statistics as training leaves them. */
export function buildNetwork(plan: NetworkPlan): tf.LayersModel {
  const input = tf.input({ shape: [plan.timesteps, plan.height, plan.width, plan.channels], name: 'input' });
  let x: tf.SymbolicTensor = input;
  let flat = false;
  const apply = (layer: tf.layers.Layer, to: tf.SymbolicTensor | tf.SymbolicTensor[] = x) =>
    layer.apply(to) as tf.SymbolicTensor;
  const flatten = (name: string) => {
    if (!flat) x = apply(new OverTime(tf.layers.flatten({ name })));
    flat = true;
  };
  plan.body.forEach((block, i) => {
    const name = `block${i}`;
    const [, , height = 1, width = 1] = x.shape.map((size) => size ?? 1);
    const small = flat || Math.min(height, width) < 2;
    switch (block.kind) {
      case 'conv':
      case 'grouped':
      case 'residual': {
        if (flat) break;
        const residual = block.kind === 'residual';
        const conv = new Conv2dLif({
          ...spiking(block, plan.seed, 4),
          name: `${name}/conv`,
          hidden_channel: 4,
          kernel_size: 3,
          padding: 1,
          groups: block.kind === 'grouped' && x.shape.at(-1) === 4 ? 2 : 1,
          norm_state: block.norm,
          mp: block.mp && !small && !residual,
        });
        const y = apply(conv);
        x = residual && x.shape.at(-1) === 4 ? apply(tf.layers.add({ name: `${name}/add` }), [x, y]) : y;
        break;
      }
      case 'lif':
        x = apply(
          new Lif({ ...spiking(block, plan.seed, x.shape.at(-1) ?? 1), name, norm_state: block.norm }),
        );
        break;
      case 'own':
        x = apply(new Lif({ neuron: adaptive, name }));
        break;
      case 'delay': {
        const delay = Array.from({ length: x.shape.at(-1) ?? 1 }, (_, c) => (c + (block.norm ? 1 : 0)) % 3);
        x = apply(new Delay({ name, delay }));
        break;
      }
      case 'maxPool':
        if (small) break;
        x = apply(new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, padding: 'same', name })));
        break;
      case 'avgPool':
        if (small) break;
        x = apply(
          new OverTime(tf.layers.averagePooling2d({ poolSize: [2, 3], strides: 1, padding: 'same', name })),
        );
        break;
      case 'dense':
        flatten(`${name}/flat`);
        x = apply(
          new FcLif({ ...spiking(block, plan.seed, 6), name, hidden_channel: 6, norm_state: block.norm }),
        );
    }
  });
  flatten('flat');
  const head = (name: string) =>
    tf.layers.dense({ units: 3, name, kernelInitializer: tf.initializers.randomNormal({ seed: plan.seed }) });
  if (plan.aggregate === 'features') {
    x = apply(new Aggregation({ mode: 'mean', name: 'together' }));
    x = apply(head('head'));
  } else {
    x = apply(new OverTime(head('head')));
    const mode = plan.aggregate === 'first' ? 'pick' : plan.aggregate;
    const idx = plan.aggregate === 'first' ? 0 : -1;
    x = apply(new Aggregation({ mode, idx, divisor: mode === 'mean' ? 5 : undefined, name: 'together' }));
    if (mode === 'pick') x = apply(tf.layers.flatten({ name: 'picked' }));
  }
  const model = tf.model({ inputs: input, outputs: x, name: 'random' });
  unsettle(model, plan.seed);
  return model;
}

function spiking(plan: BlockPlan, seed: number, channels: number): SpikingArgs {
  const each = (from: number, by: number) => Array.from({ length: channels }, (_, c) => from + by * c);
  return {
    mode: plan.mode,
    memb_mode: plan.memb,
    seed,
    soma_params:
      plan.soma === 'numbers'
        ? { alpha: each(0.2, 0.1), beta: 0.05, theta: each(0.3, 0.05), v_0: -0.1 }
        : plan.soma,
  };
}

/** Moves every BatchNorm away from where it starts; one channel's factor is negative. */
export function unsettle(model: tf.LayersModel, seed: number): void {
  for (const weight of model.layers.flatMap((layer) => layer.weights)) {
    const name = weight.originalName;
    if (!name.includes('/norm/')) continue;
    tf.tidy(() => {
      const noise = tf.randomUniform(weight.shape as number[], 0.2, 0.9, 'float32', seed);
      const sign = name.endsWith('gamma')
        ? tf.tensor1d(Array.from({ length: weight.shape[0] ?? 1 }, (_, c) => (c === 1 ? -1 : 1)))
        : tf.scalar(1);
      weight.write(weight.read().add(noise).mul(sign));
    });
  }
}

/** Event-like frames of a plan, `[n, T, H, W, C]`: small whole numbers, most of them 0. */
export function framesOf(plan: NetworkPlan, n: number): tf.Tensor {
  const shape = [n, plan.timesteps, plan.height, plan.width, plan.channels];
  return tf.tidy(() => tf.randomUniform(shape, -3, 3, 'float32', plan.seed).relu().ceil());
}

/** Checks random networks, and among them every kind of layer with every kind of parameters, on so many random samples. */
export function withNetworks(
  samples: number,
  check: (model: tf.LayersModel, x: tf.Tensor) => void | Promise<void>,
  numRuns: number,
): Promise<void> {
  const run = async (plan: NetworkPlan) => {
    const model = buildNetwork(plan);
    const x = framesOf(plan, samples);
    try {
      await check(model, x);
    } finally {
      model.dispose();
      x.dispose();
    }
  };
  const examples = everyKind.map((plan): [NetworkPlan] => [plan]);
  return fc.assert(fc.asyncProperty(networkPlan, run), { numRuns, examples });
}
