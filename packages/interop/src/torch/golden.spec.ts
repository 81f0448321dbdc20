import { readFileSync } from 'node:fs';
import { startEngine, tf } from '@bidl/engine';
import { backbones } from '@bidl/models';
import { Aggregation, Conv2dLif, FcLif, namedWeights, OverTime } from '@bidl/neurons';
import {
  channelsLast,
  expectClose,
  golden,
  goldenCases,
  goldenFile,
  recipe,
  type Golden,
} from '@bidl/testing';
import { mapTorchWeights, type MappedWeights } from './map-weights.js';
import { readTorchCheckpoint, type TorchCheckpoint } from './state-dict.js';

beforeAll(() => startEngine({ backend: 'tensorflow' }));

const checkpoint = (file: string): TorchCheckpoint =>
  readTorchCheckpoint(readFileSync(goldenFile('checkpoints', file)));

/** Puts mapped weights into a network; every one of its weights has to be there. */
function load(model: tf.LayersModel, { weights }: MappedWeights): void {
  const variables = namedWeights(model);
  expect([...weights.keys()].sort()).toEqual(variables.map((v) => v.name).sort());
  for (const { name, variable } of variables) {
    const { data, shape } = weights.get(name)!;
    variable.assign(tf.tensor(data, [...shape]));
  }
}

function logitsOf(model: tf.LayersModel, { get }: Golden): Float32Array {
  const x = get('x');
  const input = x.shape.length === 5 ? channelsLast(x) : x;
  return tf.tidy(() =>
    (model.apply(tf.tensor(input.data as Float32Array, [...input.shape], 'float32')) as tf.Tensor).dataSync(),
  ) as Float32Array;
}

const sequential = (input: number[], layers: tf.layers.Layer[]): tf.LayersModel => {
  const start = tf.input({ shape: input, name: 'input' });
  const output = layers.reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, start);
  return tf.model({ inputs: start, outputs: output, name: 'tiny' });
};

/** The networks of the golden checkpoints, by upstream's names of their modules. */
const TINY: Readonly<Record<string, () => tf.LayersModel>> = {
  tinyconv: () =>
    sequential(
      [4, 8, 8, 2],
      [
        new Conv2dLif({ name: 'clif1', hidden_channel: 4, kernel_size: 3, padding: 1, mode: 'analog' }),
        new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name: 'mp1' })),
        new OverTime(tf.layers.flatten({ name: 'flat' })),
        new OverTime(tf.layers.dense({ units: 5, name: 'fc' })),
        new Aggregation({ name: 'mean' }),
      ],
    ),
  tinyfc: () =>
    sequential(
      [5, 6],
      [
        new FcLif({ name: 'flif1', hidden_channel: 8 }),
        new FcLif({ name: 'flif2', hidden_channel: 4, mode: 'analog' }),
        new Aggregation({ name: 'mean' }),
      ],
    ),
  clif3fc3dm_8x8: () =>
    backbones.build(
      { type: 'SeqClif3Fc3DmItout', timestep: 3, cmode: 'analog' },
      { inputShape: [3, 8, 8, 2], seed: 1 },
    ),
};

const FILES = Object.keys(TINY).flatMap((name) =>
  ((golden('checkpoints', name).json['files'] as string[] | undefined) ?? [`${name}_zip.pth`]).map(
    (file) => [name, file] as const,
  ),
);

describe('checkpoints by upstream give its logits', () => {
  it('of all eight files', () => expect(FILES).toHaveLength(8));

  it.each(FILES)('%s: %s', (name, file) => {
    const data = golden('checkpoints', name);
    const model = TINY[name]!();
    const found = mapTorchWeights(model, checkpoint(file));
    load(model, found);
    const { atol, rtol } = data.json.tolerance as { atol: number; rtol: number };
    expectClose(logitsOf(model, data), data.get('logits').data as Float32Array, { atol, rtol }, file);
    const { report } = found;
    expect(report).toMatchObject({ unused: [], missing: [], misshapen: [] });
    expect(report.ignored.every((key) => key.endsWith('num_batches_tracked'))).toBe(true);
    expect(report.mapped.length + report.ignored.length).toBe(checkpoint(file).weights.size);
    model.dispose();
  });

  it('and says of what run they are', () => {
    expect(checkpoint('tinyconv_zip.pth')).toMatchObject({ epoch: 1, iter: 1, others: [] });
  });
});

/**
 * Of every network that is here the smallest golden case, with its weights as upstream's checkpoint would hold them;
 * and one with parameters for each channel.
 */
const NETWORKS = (() => {
  const smallest = new Map<string, { readonly name: string; readonly size: number }>();
  for (const name of goldenCases('backbones')) {
    const { class: type, total_params } = golden('backbones', name).json;
    if (typeof type !== 'string' || !backbones.has(type)) continue;
    const [key, size] = [name.includes('clif3fc3dm_itout_channel') ? name : type, Number(total_params)];
    if (size < (smallest.get(key)?.size ?? Infinity)) smallest.set(key, { name, size });
  }
  return [...smallest.values()].map(({ name }) => name);
})();

describe('state_dicts of upstream’s networks', () => {
  it('are those of all that are here', () => {
    expect(NETWORKS.length).toBeGreaterThan(3);
    expect(NETWORKS).toContain('clif3fc3dm_itout_channelshare');
  });

  it.each(NETWORKS)('%s', (name) => {
    const data = golden('backbones', name);
    const { json } = data;
    const model = goldenModel(data);
    const weights = new Map([...recipe(json)].filter(([key]) => key !== 'embedding_fc.weight'));
    const found = mapTorchWeights(model, { weights, others: [] });
    expect(found.report.mapped.length + found.report.ignored.length).toBe(weights.size);
    load(model, found);
    const want = data.get('eval/logits').data as Float32Array;
    const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const tolerance = (json.tolerance as Record<string, number>)['eval/logits']!;
    expectClose(logitsOf(model, data), want, tolerance * largest, name);
    model.dispose();
  });
});

/** The network of a case, whole. Upstream forgets `norm` on the host, and its logits were made there. */
function goldenModel({ json, get }: Golden): tf.LayersModel {
  const given = Object.entries(json.ctor ?? {}).filter(([key]) => !['file', 'norm', 'split'].includes(key));
  const x = get('x');
  const [, ...inputShape] = x.shape.length === 5 ? channelsLast(x).shape : x.shape;
  return backbones.build({ type: String(json.class), ...Object.fromEntries(given) }, { inputShape, seed: 0 });
}
