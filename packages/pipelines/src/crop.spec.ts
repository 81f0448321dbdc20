import { type DType, type NdArray, ndarray, type TypedArray } from '@bidl/formats';
import fc from 'fast-check';

import { cropClip, flipClip, type PaddingMode, rngFor, type Sample, transforms } from './index.js';

const ramp = (shape: readonly number[], kind: new (n: number) => TypedArray = Uint8Array): NdArray => {
  const data = new kind(shape.reduce((a, b) => a * b, 1));
  const big = data instanceof BigInt64Array;
  for (let i = 0; i < data.length; i++) data[i] = (big ? BigInt(i % 251) : i % 251) as never;
  return ndarray(data, shape);
};

/** The obvious way: look every pixel up. */
const expected = (
  clip: NdArray,
  top: number,
  left: number,
  height: number,
  width: number,
  pad: number,
  mode: PaddingMode,
  value: number,
): number[] => {
  const [T = 0, H = 0, W = 0, C = 0] = clip.shape;
  const look = (at: number, n: number): number => {
    if (at >= 0 && at < n) return at;
    if (mode === 'constant') return -1;
    if (mode === 'edge') return Math.min(n - 1, Math.max(0, at));
    if (mode === 'reflect') return at < 0 ? -at : 2 * n - 2 - at;
    return at < 0 ? -at - 1 : 2 * n - 1 - at;
  };
  const out: number[] = [];
  for (let t = 0; t < T; t++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < C; c++) {
          const row = look(y + top - pad, H);
          const column = look(x + left - pad, W);
          out.push(row < 0 || column < 0 ? value : Number(clip.data[((t * H + row) * W + column) * C + c]));
        }
  return out;
};

describe('cropClip', () => {
  it('agrees with looking every pixel up, for all sizes, paddings, modes and types', () => {
    const kinds = [Uint8Array, Float32Array, BigInt64Array] as const;
    const modes: PaddingMode[] = ['constant', 'edge', 'reflect', 'symmetric'];
    fc.assert(
      fc.property(
        fc.record({
          T: fc.integer({ min: 1, max: 3 }),
          H: fc.integer({ min: 4, max: 7 }),
          W: fc.integer({ min: 4, max: 7 }),
          C: fc.integer({ min: 1, max: 3 }),
          pad: fc.nat(3),
          mode: fc.constantFrom(...modes),
          value: fc.constantFrom(0, 9),
          kind: fc.constantFrom(...kinds),
          seed: fc.nat(),
        }),
        ({ T, H, W, C, pad, mode, value, kind, seed }) => {
          const rng = rngFor(seed);
          const height = rng.int(1, H + 2 * pad);
          const width = rng.int(1, W + 2 * pad);
          const top = rng.int(0, H + 2 * pad - height);
          const left = rng.int(0, W + 2 * pad - width);
          const clip = ramp([T, H, W, C], kind);
          const padding = { top: pad, bottom: pad, left: pad, right: pad };
          const got = cropClip(clip, { top, left, height, width, padding, mode, value });
          expect(got.shape).toEqual([T, height, width, C]);
          expect(got.dtype).toBe(clip.dtype);
          expect(Array.from(got.data as Float32Array, Number)).toEqual(
            expected(clip, top, left, height, width, pad, mode, value),
          );
        },
      ),
    );
  });

  it('refuses a window that leaves the clip, and a mirror that is too far', () => {
    const clip = ramp([1, 4, 4, 1]);
    expect(() => cropClip(clip, { top: 1, left: 0, height: 4, width: 4 })).toThrow('leaves the clip of 4x4');
    const padding = { top: 9, bottom: 0, left: 0, right: 0 };
    expect(() => cropClip(clip, { top: 0, left: 0, height: 4, width: 4, padding, mode: 'reflect' })).toThrow(
      '"reflect" can\'t pad',
    );
    expect(() => cropClip(clip, { top: 0, left: 0, height: 4, width: 4, padding, value: -1 })).toThrow(
      'pad_val -1',
    );
  });
});

describe('RandomCropVideo', () => {
  const build = (config: object): ((sample: Sample, seed?: number) => Sample) => {
    const op = transforms.build({ type: 'RandomCropVideo', ...config }, undefined, 'data.train.pipeline[0]');
    return (sample, seed = 0) => op(sample, rngFor(seed));
  };

  it('cuts all frames at one place, and every place in turn', () => {
    const T = 3;
    const clip = ramp([T, 6, 6, 1]);
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const { data } = build({ size: 4 })({ img: clip }, seed).img as NdArray<Uint8Array>;
      const first = data[0] ?? 0;
      for (let t = 0; t < T; t++) expect(data[t * 16]).toBe(first + t * 36);
      seen.add(String(first));
    }
    expect(seen.size).toBe(9);
  });

  it('takes padding as one, two or four numbers, or none', () => {
    const shapes = [null, 1, [1, 0], [1, 0, 0, 0]].map(
      (padding) => (build({ size: 4, padding })({ img: ramp([1, 4, 4, 2]) }).img as NdArray).shape,
    );
    expect(shapes).toEqual([1, 2, 3, 4].map(() => [1, 4, 4, 2]));
    expect(
      (build({ size: [4, 5], padding: [1, 0, 0, 0] })({ img: ramp([1, 4, 4, 2]) }).img as NdArray).shape,
    ).toEqual([1, 4, 5, 2]);
  });

  it('pads with a fraction when the clip is going to be float32', () => {
    const wanted: Record<string, DType> = { img: 'float32' };
    const { img } = build({ size: 2, padding: 8, pad_val: 0.5 })({ img: ramp([1, 1, 1, 1]), wanted }, 1);
    expect(Array.from((img as NdArray<Float32Array>).data)).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it('says what is wrong, where', () => {
    expect(() => build({ size: 9 })({ img: ramp([1, 4, 4, 2]) })).toThrow(
      "RandomCropVideo can't cut 9x9 out of a clip of 4x4: make size smaller, or add padding",
    );
    expect(() => build({ size: 4 })({ img: ramp([8]), pack: [2, 4, 4, 2] })).toThrow('put { type: "ToNdarr"');
    expect(() => build({ size: 4 })({ img: ramp([4, 4]) })).toThrow('[T, H, W, C]');
    expect(() => build({ size: 4 })({ file: 'x.bin' })).toThrow('put { type: "LoadEvents" }');
    expect(() => build({ size: 0 })).toThrow('data.train.pipeline[0].size');
    expect(() => build({ size: 4, paddding: 2 })).toThrow('padding');
  });
});

describe('flipClip', () => {
  it('is its own inverse', () => {
    const clip = ramp([2, 3, 5, 2]);
    for (const direction of ['horizontal', 'vertical'] as const) {
      const once = flipClip(clip, direction);
      expect(once.data).not.toEqual(clip.data);
      expect(flipClip(once, direction)).toEqual(clip);
    }
  });
});
