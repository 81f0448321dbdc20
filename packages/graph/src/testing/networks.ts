import { lif, rectangle } from '@bidl/dynamics';
import { ndarray, type NdArray } from '@bidl/formats';
import { graphBuilder, type GraphBuilder, type ValueRef } from '../build/builder.js';
import { traceNeuron } from '../build/graph-ops.js';
import type { StepGraph } from '../graph.js';

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

export function randomArray(
  random: () => number,
  shape: readonly number[],
  scale = 1,
): NdArray<Float32Array> {
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(
    Float32Array.from({ length: size }, () => (random() * 2 - 1) * scale),
    shape,
  );
}

/** Lif parameters as scalar weights of `layer`. */
export function lifParams(b: GraphBuilder, layer: string): Record<string, ValueRef> {
  return Object.fromEntries(
    Object.entries(lif().params).map(([name, value]) => [name, b.numbers(`${layer}/${name}`, value)]),
  );
}

/** Conv, max-pool, LIF, flatten, dense, running mean of the output: a small network of the kind that is deployed. */
export function smallNetwork(
  seed = 1,
  { timesteps = 4, dtype = 'uint8' as 'uint8' | 'float32' } = {},
): StepGraph {
  const random = randomNumbers(seed);
  const b = graphBuilder({ name: 'small', timesteps });
  const x = b.input('data', { shape: [6, 5, 2], dtype });
  const kernel = b.weight('clif1/kernel', randomArray(random, [3, 3, 2, 4], 0.3));
  const bias = b.weight('clif1/bias', randomArray(random, [4], 0.3));
  const conv = b.conv2d(x, kernel, bias, { padding: [1, 1, 1, 1] }, { layer: 'clif1' });
  const spikes = traceNeuron(b, 'clif1', lif(), conv, lifParams(b, 'clif1'), { surrogate: rectangle() });
  const pooled = b.maxPool(spikes, { size: [2, 2] }, { layer: 'mp1' });
  const flat = b.reshape(pooled, [3 * 2 * 4], { layer: 'flat' });
  const head = b.weight('fc/kernel', randomArray(random, [24, 3]));
  const logits = b.dense(flat, head, b.weight('fc/bias', randomArray(random, [3])), { layer: 'fc' });
  const before = b.load({ key: 'tempAdd', shape: [3] }, { layer: 'tempAdd' });
  const share = b.node('div', [logits, b.numbers('tempAdd/steps', timesteps)], {}, { layer: 'tempAdd' });
  const sum = b.node('add', [before, share], {}, { layer: 'tempAdd' });
  b.save('tempAdd', sum, { layer: 'tempAdd' });
  b.output('logits', sum);
  return b.build();
}

/** Sparse frames of small counts. */
export const randomFrame = (random: () => number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, () => (random() < 0.3 ? Math.floor(random() * 4) : 0));
