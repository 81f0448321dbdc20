import { readFileSync } from 'node:fs';
import { startEngine, tf } from '@bidl/engine';
import { Aggregation, Conv2dLif, FcLif, namedWeights, OverTime } from '@bidl/neurons';
import { channelsLast, expectClose, golden, goldenFile, type Golden } from '@bidl/testing';
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
    sequential(
      [3, 8, 8, 2],
      [
        ...[32, 64, 128].flatMap((hidden_channel, i) => [
          new Conv2dLif({ name: `clif${i + 1}`, hidden_channel, kernel_size: 3, padding: 1, mode: 'analog' }),
          new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name: `mp${i + 1}` })),
        ]),
        new OverTime(tf.layers.flatten({ name: 'flat' })),
        new OverTime(tf.layers.dense({ units: 512, activation: 'relu', name: 'head/0' })),
        new OverTime(tf.layers.dense({ units: 128, activation: 'relu', name: 'head/2' })),
        new OverTime(tf.layers.dense({ units: 10, name: 'head/4' })),
        new Aggregation({ name: 'mean' }),
      ],
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
