import { type NdArray, ndarray } from '@bidl/formats';
import { channelsLast as turned, expectClose, golden, goldenCases } from '@bidl/testing';

import { cropClip, resizeClip, resizedShape, rngFor, type Rng, type Sample, transforms } from './index.js';
import { realValues } from './wanted.js';

/** A generator that answers `int` with given numbers: the places that upstream has drawn. */
const drawing = (...numbers: number[]): Rng => ({
  ...rngFor(0),
  uniform: () => 0,
  int: (low, high) => {
    const next = numbers.shift();
    if (next === undefined || next < low || next > high)
      throw new Error(`can't draw ${next} from ${low}..${high}`);
    return next;
  },
});

const run = (name: string, config: Record<string, unknown>, sample: Sample, rng = drawing()): NdArray =>
  transforms.build({ type: name, ...config }, undefined)(sample, rng).img as NdArray;

const exactly = (got: NdArray, want: NdArray): void => {
  expect(got.shape).toEqual(want.shape);
  expectClose(got.data, want.data, 0, 'clip');
};

describe('upstream', () => {
  it.each(goldenCases('pipelines', /^randomcropvideo_/))('%s', (name) => {
    const { json, get } = golden('pipelines', name);
    const [top = 0, left = 0, height = 0, width = 0] = Array.from(get('crop').data as Int32Array);
    const img = turned(get('x'));
    const want = turned(get('y'));
    exactly(run('RandomCropVideo', { ...json.ctor }, { img }, drawing(top, left)), want);
    const padding = { top: 0, bottom: 0, left: 0, right: 0 };
    for (const side of ['top', 'bottom', 'left', 'right'] as const)
      padding[side] = Number(json.ctor?.['padding']);
    exactly(cropClip(img, { top, left, height, width, padding }), want);
  });

  it('centercropvideo_112', () => {
    const { json, get } = golden('pipelines', 'centercropvideo_112');
    exactly(run('CenterCropVideo', { ...json.ctor }, { img: turned(get('x')) }), turned(get('y')));
  });

  it.each(goldenCases('pipelines', /^randomflipvideo_/))('%s, as intended', (name) => {
    const { json, get } = golden('pipelines', name);
    exactly(run('RandomFlipVideo', { ...json.ctor }, { img: turned(get('x')) }), turned(get('intended')));
  });

  it.each(goldenCases('pipelines', /^resizedvs_/))('%s', (name) => {
    const { json, get } = golden('pipelines', name);
    const tolerance = json.tolerance as { f32: number };
    const got = run('ResizeDVS', { ...json.ctor }, { img: turned(get('x')) });
    const want = turned(get('y'));
    expect(got.shape).toEqual(want.shape);
    expect(got.dtype).toBe(want.dtype);
    expectClose(got.data, want.data, want.dtype === 'uint8' ? 1 : tolerance.f32, name);
    if (want.dtype === 'uint8') {
      const different = Array.from(want.data as Uint8Array).filter((value, i) => value !== got.data[i]);
      expect(different.length).toBeLessThanOrEqual(name.includes('50x17') ? 20 : 0);
    }
  });

  it('tondarr_unpack', () => {
    const { json, get } = golden('pipelines', 'tondarr_unpack');
    const op = transforms.build({ type: 'ToNdarr', ...json.ctor }, undefined);
    const pack = json['pack'] as number[];
    const sample = op({ img: get('packed'), pack, layout: 'TCHW' }, rngFor(0));
    expect(sample.pack).toBeUndefined();
    expect(sample.img).toMatchObject({ dtype: 'uint8' });
    const real = realValues(sample);
    expect(real?.dtype).toBe(get('y').dtype);
    exactly(real as NdArray, turned(get('y')));
  });

  it('totensortype', () => {
    const { json, get } = golden('pipelines', 'totensortype');
    const op = transforms.build({ type: 'ToTensorType', ...json.ctor }, undefined);
    const sample = op({ img: turned(get('x')) }, rngFor(0));
    expect((sample.img as NdArray).dtype).toBe('uint8');
    expect(realValues(sample)?.dtype).toBe('float32');
    exactly(realValues(sample) as NdArray, turned(get('y')));
  });

  it('keeps the size when resizing to it, and follows the shorter side', () => {
    const clip = ndarray(Uint8Array.from([1, 2, 3, 4]), [1, 2, 2, 1]);
    expect(resizeClip(clip, [2, 2])).toBe(clip);
    expect(resizedShape([20, -1], 32, 40)).toEqual([20, 25]);
    expect(resizedShape([20, -1], 40, 32)).toEqual([25, 20]);
  });
});
