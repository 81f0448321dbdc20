import type { NdArray } from '@bidl/formats';
import { ndarray } from '@bidl/formats';
import { graphBuilder, type GraphBuilder, type StepGraph, type ValueRef } from '@bidl/graph';

/** Random numbers for specs: the same for the same seed. Mulberry32. */
export function randomNumbers(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface Chance {
  (): number;
  int(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
  array(shape: readonly number[], scale?: number): NdArray<Float32Array>;
}

export function chance(seed: number): Chance {
  const next = randomNumbers(seed);
  return Object.assign(next, {
    int: (low: number, high: number) => low + Math.floor(next() * (high - low + 1)),
    pick: <T>(items: readonly T[]) => items[Math.floor(next() * items.length)],
    array: (shape: readonly number[], scale = 1) =>
      ndarray(
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (next() * 2 - 1) * scale),
        shape,
      ),
  });
}

interface NeuronForm {
  readonly fused: boolean;
  readonly perChannel: boolean;
  readonly output: 'spike' | 'relu' | 'tanh' | 'sigmoid' | 'membrane';
  readonly half: boolean;
}

/** A LIF neuron of either form: fused fire and reset, or the chain of single operations. */
function neuron(b: GraphBuilder, rnd: Chance, layer: string, x: ValueRef, form: NeuronForm): ValueRef {
  const at = { layer };
  const { shape } = x.type;
  const channels = shape.at(-1) ?? 1;
  const param = (name: string, value: number) =>
    b.numbers(
      `${layer}/${name}`,
      form.perChannel ? Float32Array.from({ length: channels }, () => value + 0.1 * rnd()) : value,
    );
  const v = b.load(
    { key: `${layer}/v`, shape, initial: rnd.pick([0, 0.25]), dtype: form.half ? 'float16' : 'float32' },
    at,
  );
  const shared = rnd() < 0.5; // one threshold, decay by channel: what folding a norm leaves
  const [theta, v0, alpha, beta] = [
    shared ? b.numbers(`${layer}/theta`, 0.4) : param('theta', 0.4),
    shared ? b.numbers(`${layer}/v0`, 0) : param('v0', 0),
    param('alpha', 0.6),
    param('beta', 0.01),
  ];
  const u = b.node('add', [x, v], {}, at);
  let spike: ValueRef;
  let next: ValueRef;
  if (form.fused) {
    spike =
      form.perChannel && !shared
        ? b.node('gt', [u, theta], {}, at)
        : b.node('fire', [u], { threshold: 0.4 }, at);
    next = b.node('resetDecay', [u, theta, v0, alpha, beta], {}, at);
  } else {
    spike = b.node('gt', [b.node('sub', [u, theta], {}, at), b.constant(0, at)], {}, at);
    const reset = b.node('blend', [spike, v0, u], {}, at);
    next = b.node('add', [b.node('mul', [alpha, reset], {}, at), beta], {}, at);
  }
  b.save(`${layer}/v`, next, at);
  if (form.output === 'spike') return spike;
  return form.output === 'membrane' ? u : b.node(form.output, [u], {}, at);
}

/**
 * A random small network: convolutions (strides, padding, groups), pooling, residual sums, neurons of both forms,
 * dense layers, a running sum of the output.
 */
export function randomNetwork(seed: number): StepGraph {
  const rnd = chance(seed);
  const b = graphBuilder({ name: `random-${seed}`, timesteps: 4 });
  const image = rnd() < 0.8;
  const dtype = rnd.pick(['float32', 'uint8', 'float16'] as const);
  let x = b.input('data', {
    shape: image ? [rnd.int(3, 9), rnd.int(3, 9), rnd.int(1, 5)] : [rnd.int(1, 40)],
    dtype,
  });
  const form = (): NeuronForm => ({
    fused: rnd() < 0.5,
    perChannel: rnd() < 0.4,
    output: rnd.pick(['spike', 'spike', 'spike', 'relu', 'tanh', 'sigmoid', 'membrane'] as const),
    half: rnd() < 0.25,
  });
  for (let i = 0, depth = rnd.int(1, 4); i < depth; i++) {
    const layer = `layer${i}`;
    if (x.type.shape.length === 3) {
      x = imageLayer(b, rnd, layer, x);
      const before = x;
      if (rnd() < 0.8) x = neuron(b, rnd, layer, x, form());
      if (rnd() < 0.3) x = b.node('add', [x, before], {}, { layer, what: 'residual' });
      if (rnd() < 0.2) {
        const mean = b.node('globalAvgPool', [x], {}, { layer, what: 'squeeze' });
        x = b.node(
          'mul',
          [x, b.node('sigmoid', [mean], {}, { layer, what: 'gate' })],
          {},
          { layer, what: 'excite' },
        );
      }
    } else {
      const [inner] = x.type.shape;
      const outer = rnd.int(1, 200);
      const kernel = b.weight(`${layer}/kernel`, rnd.array([inner, outer], 0.4));
      const bias = rnd() < 0.5 ? b.weight(`${layer}/bias`, rnd.array([outer], 0.2)) : undefined;
      x = neuron(b, rnd, layer, b.dense(x, kernel, bias, { layer }), form());
    }
  }
  const at = { layer: 'head' };
  if (x.type.shape.length === 3) x = b.reshape(x, [x.type.shape.reduce((a, c) => a * c, 1)], at);
  const logits = b.dense(
    x,
    b.weight('head/kernel', rnd.array([x.type.shape[0], 10], 0.3)),
    b.weight('head/bias', rnd.array([10], 0.3)),
    at,
  );
  const before = b.load({ key: 'tempAdd', shape: [10] }, at);
  const sum = b.node('add', [before, b.node('div', [logits, b.numbers('steps', 4)], {}, at)], {}, at);
  b.save('tempAdd', sum, at);
  b.output('logits', sum);
  if (rnd() < 0.3) b.output('features', x);
  if (rnd() < 0.2) b.output('before', before);
  return b.build();
}

function imageLayer(b: GraphBuilder, rnd: Chance, layer: string, x: ValueRef): ValueRef {
  const [height, width, channels] = x.type.shape;
  const at = { layer };
  const size = [rnd.int(1, Math.min(3, height)), rnd.int(1, Math.min(3, width))] as const;
  const pad = [rnd.int(0, size[0] - 1), rnd.int(0, size[1] - 1)] as const;
  const window = {
    stride: [rnd.int(1, 2), rnd.int(1, 2)] as const,
    padding: [pad[0], pad[0], pad[1], pad[1]] as const,
  };
  const kind = rnd();
  if (kind < 0.15) return b.maxPool(x, { size, ...window }, at);
  if (kind < 0.3) return b.avgPool(x, { size, ...window }, at);
  const groups = rnd() < 0.2 ? channels : 1;
  const outer = groups * rnd.int(1, groups > 1 ? 3 : 40);
  const kernel = b.weight(`${layer}/kernel`, rnd.array([...size, channels / groups, outer], 0.6));
  const bias = rnd() < 0.7 ? b.weight(`${layer}/bias`, rnd.array([outer], 0.3)) : undefined;
  return b.conv2d(x, kernel, bias, { ...window, groups }, at);
}

/** Sparse inputs of a graph for one step of `n` samples, in the form that its input has. */
export function randomFrame(
  graph: StepGraph,
  rnd: Chance,
  n: number,
): Float32Array | Uint8Array | Uint16Array {
  const { shape, dtype } = graph.inputs[0].type;
  const length = n * shape.reduce((a, c) => a * c, 1);
  const density = rnd() * 0.6;
  const some = (make: () => number) => (rnd() < density ? make() : 0);
  if (dtype === 'uint8') return new Uint8Array(length).map(() => some(() => Math.floor(rnd() * 4)));
  // Positive half-precision numbers below 2, as bits.
  if (dtype === 'float16') return new Uint16Array(length).map(() => some(() => Math.floor(rnd() * 0x4000)));
  return new Float32Array(length).map(() => some(() => rnd.pick([1, 1, rnd() * 2 - 1])));
}
