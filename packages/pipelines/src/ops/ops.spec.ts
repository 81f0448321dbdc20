import { type NdArray, ndarray, writeNmnist } from '@bidl/formats';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  Compose,
  PipelineError,
  realValues,
  rngFor,
  type Sample,
  transforms,
  unpackBits,
  wantedDtype,
} from '../index.js';

const run = (config: { type: string; [key: string]: unknown }, sample: Sample): Sample =>
  new Compose([config]).apply(sample, rngFor(0));
const bytes = ndarray(Uint8Array.from([1, 2, 3, 255]), [1, 2, 2, 1]);

describe('ToTensorType', () => {
  it('keeps bytes that are to be float32, and notes the type', () => {
    const sample = run({ type: 'ToTensorType', keys: ['img'], dtype: 'float32' }, { img: bytes });
    expect(sample.img).toBe(bytes);
    expect(wantedDtype(sample, 'img')).toBe('float32');
    expect(realValues(sample)).toMatchObject({ dtype: 'float32', data: Float32Array.from([1, 2, 3, 255]) });
  });

  it('converts everything else', () => {
    const floats = ndarray(Float32Array.from([1.7, -2.2]), [2]);
    expect(run({ type: 'ToTensorType', dtype: 'int32' }, { img: floats }).img).toMatchObject({
      data: Int32Array.from([1, -2]),
    });
    expect(run({ type: 'ToTensorType', dtype: 'int64' }, { img: floats }).img).toMatchObject({
      data: BigInt64Array.from([1n, -2n]),
    });
    expect(
      run({ type: 'ToTensorType', keys: ['gt_label'], dtype: 'float32' }, { gt_label: 3 })['gt_label'],
    ).toMatchObject({ shape: [], data: Float32Array.of(3) });
    const big = ndarray(BigInt64Array.from([5n]), [1]);
    expect(run({ type: 'ToTensorType', dtype: 'float32' }, { img: big }).img).toMatchObject({
      dtype: 'float32',
      data: Float32Array.of(5),
    });
    const half = ndarray(Uint16Array.of(0x3c00), [1], 'float16');
    expect(run({ type: 'ToTensorType', dtype: 'float32' }, { img: half }).img).toMatchObject({
      data: Float32Array.of(1),
    });
  });

  it('is taken back by a later type, and by ops that compute', () => {
    const later = new Compose([
      { type: 'ToTensorType', dtype: 'float32' },
      { type: 'ToTensorType', dtype: 'int16' },
    ]).apply({ img: bytes }, rngFor(0));
    expect((later.img as NdArray).dtype).toBe('int16');
    expect(wantedDtype(later, 'img')).toBeUndefined();
    const resized = new Compose([
      { type: 'ToTensorType', dtype: 'float32' },
      { type: 'ResizeDVS', size: 3 },
    ]).apply({ img: bytes }, rngFor(0));
    // The float result has fractions that byte arithmetic would have rounded away.
    const values = Array.from((resized.img as NdArray<Float32Array>).data);
    expect((resized.img as NdArray).dtype).toBe('float32');
    expect(values).toContain(1.5);
  });
});

describe('ToNdarr', () => {
  it('unpacks, turns and drops the key', () => {
    // One frame, 2 channels, 2x2: channel 0 is 1 0 / 1 1, channel 1 is 0 0 / 0 1.
    const sample = run(
      { type: 'ToNdarr', dtype: 'uint8' },
      { img: Uint8Array.of(0b10110001), pack: [1, 2, 2, 2], layout: 'TCHW' },
    );
    expect(sample).toEqual({
      img: { dtype: 'uint8', shape: [1, 2, 2, 2], data: Uint8Array.from([1, 0, 0, 0, 1, 0, 1, 1]) },
      layout: 'THWC',
    });
  });

  it('only gives the type to a sample that is not packed', () => {
    expect(run({ type: 'ToNdarr', dtype: 'float64' }, { img: bytes }).img).toMatchObject({
      dtype: 'float64',
      shape: [1, 2, 2, 1],
    });
  });

  it('refuses sizes that do not fit', () => {
    expect(() => unpackBits(Uint8Array.of(1), [3, 3])).toThrow('9 values, which is no multiple of 8');
    expect(() => unpackBits(Uint8Array.of(1), [4, 4])).toThrow('needs 2 bytes of packed bits, but img has 1');
    expect(() => unpackBits(Uint8Array.of(1), [-2, -4])).toThrow('positive integers');
    expect(() => run({ type: 'ToNdarr' }, { img: Float32Array.of(1), pack: [8] })).toThrow(
      'unpacks bytes (uint8), but img is float32',
    );
  });
});

describe('ToTensor', () => {
  it('makes arrays of numbers and lists', () => {
    expect(run({ type: 'ToTensor', keys: ['gt_label'] }, { gt_label: 4 }).gt_label).toMatchObject({
      dtype: 'int64',
      shape: [],
      data: BigInt64Array.of(4n),
    });
    expect(run({ type: 'ToTensor', keys: ['a'] }, { a: [0.5, 1] })['a']).toMatchObject({
      dtype: 'float32',
      shape: [2],
    });
    expect(run({ type: 'ToTensor', keys: ['img'] }, { img: bytes }).img).toBe(bytes);
  });

  it('names what it cannot convert', () => {
    expect(() => run({ type: 'ToTensor', keys: ['b'] }, { a: 1 })).toThrow(
      'the sample has no "b" (it has a)',
    );
    expect(() => run({ type: 'ToTensor', keys: ['a'] }, { a: 'text' })).toThrow('"a" is neither a number');
  });
});

describe('Collect', () => {
  it('keeps the named keys and what describes them', () => {
    const sample: Sample = { img: bytes, gt_label: 1, file: 'a', layout: 'THWC', wanted: { img: 'float32' } };
    expect(run({ type: 'Collect', keys: ['img'] }, sample)).toEqual({
      img: bytes,
      layout: 'THWC',
      wanted: { img: 'float32' },
    });
  });

  it('suggests the nearest key', () => {
    expect(() => run({ type: 'Collect', keys: ['gt_labels'] }, { gt_label: 1 })).toThrow(
      'Did you mean "gt_label"?',
    );
  });
});

describe('LoadEvents', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bidl-load-events-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads N-MNIST files', () => {
    const events = { x: Uint16Array.of(3), y: Uint16Array.of(4), t: Uint32Array.of(5), p: Uint8Array.of(1) };
    const file = join(folder, '1.bin');
    writeFileSync(file, writeNmnist(events));
    expect(run({ type: 'LoadEvents' }, { file, gt_label: 7 })).toEqual({ file, gt_label: 7, events });
  });

  it('names the file that is damaged, unknown or absent', () => {
    const file = join(folder, 'cut.bin');
    writeFileSync(file, Uint8Array.of(1, 2, 3));
    expect(() => run({ type: 'LoadEvents' }, { file })).toThrow(/cut\.bin.*truncated/);
    expect(() => run({ type: 'LoadEvents' }, { file: 'a.mat' })).toThrow(
      "LoadEvents can't read a.mat: known extensions are .bin",
    );
    expect(() => run({ type: 'LoadEvents' }, { img: bytes })).toThrow(PipelineError);
  });
});

describe('CenterCropVideo', () => {
  it('cuts the middle, at any size', () => {
    const clip = ndarray(
      Uint8Array.from({ length: 15 }, (_, i) => i),
      [1, 3, 5, 1],
    );
    expect(run({ type: 'CenterCropVideo', crop_size: [1, 3] }, { img: clip }).img).toMatchObject({
      data: Uint8Array.from([6, 7, 8]),
    });
    expect(() => run({ type: 'CenterCropVideo', crop_size: 4 }, { img: clip })).toThrow(
      "can't cut 4x4 out of a clip of 3x5",
    );
  });
});

describe('Compose', () => {
  it('builds from configs and functions, and names the place of a fault', () => {
    const composed = new Compose([
      (sample) => ({ ...sample, gt_label: 9 }),
      { type: 'Collect', keys: ['gt_label'] },
    ]);
    expect(composed.apply({ img: bytes }, rngFor(0))).toEqual({ gt_label: 9 });
    expect(() => new Compose([{ type: 'RandomCropVidio', size: 3 }], 'data.train.pipeline')).toThrow(
      'data.train.pipeline[0].type "RandomCropVidio" is unknown. Did you mean "RandomCropVideo"?',
    );
  });

  it('leaves the config as it is', () => {
    const config = Object.freeze({ type: 'Collect', keys: Object.freeze(['img']) });
    new Compose([config]);
    expect(() => new Compose([config])).not.toThrow();
  });

  it('never writes into the arrays it is given', () => {
    const before = Array.from(bytes.data as Uint8Array);
    new Compose([
      { type: 'RandomCropVideo', size: 2, padding: 1 },
      { type: 'RandomFlipVideo', flip_prob: 1 },
      { type: 'ResizeDVS', size: 4 },
      { type: 'ToTensorType', dtype: 'float64' },
    ]).apply({ img: bytes }, rngFor(3));
    expect(Array.from(bytes.data as Uint8Array)).toEqual(before);
  });

  it("knows upstream's names", () => {
    expect(transforms.types()).toEqual([
      'CenterCropVideo',
      'Collect',
      'EventsToFrames',
      'LoadEvents',
      'RandomCropVideo',
      'RandomFlipVideo',
      'ResizeDVS',
      'ToNdarr',
      'ToTensor',
      'ToTensorType',
    ]);
  });
});
