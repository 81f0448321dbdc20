import { type NdArray, ndarray } from '@bidl/formats';
import {
  createExecutor,
  graphBuilder,
  type InputNumbers,
  runSequence,
  type StatePlacement,
  type StepGraph,
  writeArtifact,
} from '@bidl/graph';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Chance, chance } from './networks.js';

const hash = '0'.repeat(64);

/** A folder for the artifacts of one spec. */
export const temporaryFolder = (): { readonly path: string; remove(): void } => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bidl-runtime-'));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
};

/** A small spiking network over byte frames `[6, 5, 2]`. */
export function spikingNetwork(seed = 1, timesteps = 4): StepGraph {
  const rnd = chance(seed);
  const b = graphBuilder({ name: `spiking-${seed}`, timesteps });
  const at = { layer: 'clif1' };
  const x = b.input('data', { shape: [6, 5, 2], dtype: 'uint8' });
  const conv = b.conv2d(
    x,
    b.weight('clif1/kernel', rnd.array([3, 3, 2, 8], 0.4)),
    b.weight('clif1/bias', rnd.array([8], 0.2)),
    { padding: [1, 1, 1, 1] },
    at,
  );
  const u = b.node('add', [conv, b.load({ key: 'clif1/v', shape: [6, 5, 8] }, at)], {}, at);
  const params = { theta: 0.5, v0: 0, alpha: 0.3, beta: 0.01 };
  const weights = Object.entries(params).map(([name, value]) => b.numbers(`clif1/${name}`, value));
  b.save('clif1/v', b.node('resetDecay', [u, ...weights], {}, at), at);
  const pooled = b.maxPool(b.node('fire', [u], { threshold: 0.5 }, at), { size: [2, 2] }, { layer: 'mp1' });
  const flat = b.reshape(pooled, [3 * 2 * 8], { layer: 'flat' });
  const fc = { layer: 'fc' };
  const logits = b.dense(
    flat,
    b.weight('fc/kernel', rnd.array([48, 3])),
    b.weight('fc/bias', rnd.array([3])),
    fc,
  );
  const share = b.node('div', [logits, b.numbers('steps', timesteps)], {}, fc);
  const sum = b.node('add', [b.load({ key: 'tempAdd', shape: [3] }, fc), share], {}, fc);
  b.save('tempAdd', sum, fc);
  b.output('logits', sum);
  return b.build();
}

/** Sparse counts: one sample `[T, 6, 5, 2]`. */
export const randomSample = (rnd: Chance, timesteps = 4): NdArray<Uint8Array> =>
  ndarray(
    Uint8Array.from({ length: timesteps * 60 }, () => (rnd() < 0.3 ? rnd.int(1, 3) : 0)),
    [timesteps, 6, 5, 2],
  );

const steps = (sample: NdArray<Uint8Array>): InputNumbers[][] =>
  Array.from({ length: sample.shape[0] }, (_, t) => [sample.data.slice(t * 60, (t + 1) * 60)]);

/** What the reference executor gives for one sample, every step: `[T, 3]`. */
export const reference = (graph: StepGraph, sample: NdArray<Uint8Array>): number[] =>
  runSequence(createExecutor(graph), steps(sample), 1).outputs.flatMap(([logits]) => [...logits]);

/** Compiles a graph into `<folder>/<name>` and returns what the SDK calls its path. */
export async function compileTo(
  folder: string,
  graph: StepGraph,
  batch = 1,
  placement: StatePlacement = { memory: 'ddr', relocatable: true },
): Promise<string> {
  const { memory, relocatable } = placement;
  const dir = path.join(folder, `${graph.name}-b${batch}-${memory}-${relocatable}`);
  const sample = steps(randomSample(chance(7), graph.timesteps));
  await writeArtifact(dir, {
    graph,
    batch,
    producer: { name: 'spec', version: '0' },
    config: hash,
    checkpoint: hash,
    target: { name: 'apu', options: {} },
    placement,
    samples: [sample],
  });
  return path.join(dir, 'Net_0');
}
