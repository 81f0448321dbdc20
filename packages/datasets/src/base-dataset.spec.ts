import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type NdArray, ndarray } from '@bidl/formats';
import { type Layout, rngFor, type Sample } from '@bidl/pipelines';
import { z } from 'zod';

import { BaseDataset, buildDataset, type DatasetArgs, datasets, registerDataset } from './index.js';

/** The data set of the user's guide: packed bits, their shape, labels. */
class Packed extends BaseDataset {
  static override CLASSES = ['a', 'b', 'c'];
  static override layout: Layout = 'TCHW';
  loaded = 0;
  override load_annotations(): Sample[] {
    this.loaded++;
    return [0b10110001, 0b00000001].map((byte, i) => ({
      img: Uint8Array.of(byte),
      pack: [1, 2, 2, 2],
      gt_label: i === 0 ? 2 : ndarray(BigInt64Array.of(1n), []),
    }));
  }
}

class Plain extends BaseDataset {
  static override layout: Layout = 'TCHW';
  readonly step: number;
  constructor(args: DatasetArgs & { step?: number }) {
    super(args);
    this.step = args.step ?? 0;
  }
  override load_annotations(): Sample[] {
    const data = Float32Array.from({ length: 8 }, (_, i) => i);
    return [
      { img: ndarray(data, [1, 2, 2, 2]) },
      { img: ndarray(data, [1, 2, 2, 2]), layout: 'THWC' },
      { img: ndarray(data, [8]), gt_label: 0.5 },
    ];
  }
}

beforeAll(() => {
  registerDataset(Packed);
  registerDataset(Plain, { step: z.int().default(3) });
});

const pipeline = [{ type: 'ToNdarr', dtype: 'float32' }];

describe('BaseDataset', () => {
  it('lists its samples once and passes them through the pipeline', () => {
    const set = new Packed({ data_prefix: 'x', pipeline });
    expect(set.length).toBe(2);
    const { img } = set.get(0, rngFor(0));
    expect(img).toMatchObject({ shape: [1, 2, 2, 2], data: Uint8Array.from([1, 0, 0, 0, 1, 0, 1, 1]) });
    set.get(0, rngFor(0));
    expect(set.loaded).toBe(1);
    expect(set.info(0)).toMatchObject({ pack: [1, 2, 2, 2] });
    expect(Array.from(set.labels())).toEqual([2, 1]);
  });

  it("turns arrays of upstream's layout once, and those of a sample that says otherwise not at all", () => {
    const set = new Plain({ data_prefix: 'x' });
    const first = set.get(0, rngFor(0)).img as NdArray<Float32Array>;
    expect(Array.from(first.data)).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
    const second = set.get(1, rngFor(0)).img as NdArray<Float32Array>;
    expect(Array.from(second.data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('knows its classes, or takes others', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bidl-classes-'));
    const file = join(folder, 'classes.txt');
    writeFileSync(file, 'x\ny\r\nz\n');
    expect(new Packed({ data_prefix: 'x' }).CLASSES).toEqual(['a', 'b', 'c']);
    expect(new Packed({ data_prefix: 'x', classes: ['q'] }).CLASSES).toEqual(['q']);
    expect(new Packed({ data_prefix: 'x', classes: file }).CLASSES).toEqual(['x', 'y', 'z']);
    rmSync(folder, { recursive: true });
    expect(() => new Packed({ data_prefix: 'x', classes: file })).toThrow(/class names in .* can't be read/);
  });

  it('scores results as upstream names them', () => {
    const set = new Packed({ data_prefix: 'x' });
    expect(
      set.evaluate([
        [0, 0, 1],
        [1, 0, 0],
      ]),
    ).toEqual({ 'accuracy_top-1': 50, 'accuracy_top-5': 100 });
    expect(set.evaluate([[0, 0, 1]], [2])).toEqual({ 'accuracy_top-1': 100, 'accuracy_top-5': 100 });
  });

  it('refuses numbers and labels that are none', () => {
    const set = new Plain({ data_prefix: 'x' });
    expect(() => set.info(3)).toThrow('Plain has 3 samples: there is no number 3');
    expect(() => set.label(2)).toThrow('gt_label must be one whole number, not 0.5');
    expect(set.label(0)).toBe(-1);
  });
});

describe('registerDataset', () => {
  it('makes a class known to configs, with its own arguments', () => {
    expect(datasets.types()).toEqual(['NMNIST', 'Packed', 'Plain']);
    const set = buildDataset({ type: 'Plain', data_prefix: 'x', test_mode: true }) as Plain;
    expect(set).toBeInstanceOf(Plain);
    expect(set).toMatchObject({ step: 3, test_mode: true, ann_file: null });
  });

  it('names the place of what is wrong', () => {
    const build = (config: object) => () =>
      buildDataset({ type: 'Packed', data_prefix: 'x', ...config }, 'data.train');
    expect(build({ data_prefx: 'x' })).toThrow(/data\.train\.data_prefx.*"data_prefix"/);
    expect(build({ pipeline: [{ type: 'ToNdar' }] })).toThrow(
      'data.train.pipeline[0].type "ToNdar" is unknown. Did you mean "ToNdarr"?',
    );
    expect(build({ pipeline: [{ type: 'RandomCropVideo', sise: 3 }] })).toThrow(
      /data\.train\.pipeline\[0\]\.sise/,
    );
    expect(build({ type: 'Paked' })).toThrow('Did you mean "Packed"?');
  });
});
