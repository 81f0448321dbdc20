import { type EventStream, type NdArray } from '@bidl/formats';
import { channelsLast as turned, expectClose, golden, goldenCases } from '@bidl/testing';
import fc from 'fast-check';

import { eventsToFrames, rngFor, type Sample, splitByNumber, transforms } from './index.js';

const streamOf = (events: readonly (readonly [number, number, number, number])[]): EventStream => ({
  x: Uint16Array.from(events, ([x]) => x),
  y: Uint16Array.from(events, ([, y]) => y),
  t: Uint32Array.from(events, ([, , t]) => t),
  p: Uint8Array.from(events, ([, , , p]) => p),
});

const anyEvents = fc
  .array(fc.tuple(fc.nat(5), fc.nat(3), fc.nat(100_000), fc.nat(1)), { maxLength: 200 })
  .map(streamOf);

const sum = (counts: Uint8Array): number => counts.reduce((a, b) => a + b, 0);

describe('eventsToFrames', () => {
  it.each(goldenCases('events', /^(aedat2_|aedat31_gesture$)/))('%s agrees with upstream', (name) => {
    const { json, get } = golden('events', name);
    const column = (key: string): number[] => Array.from(get(key).data as Int32Array, Number);
    const events: EventStream = {
      x: Uint16Array.from(column('x')),
      y: Uint16Array.from(column('y')),
      t: Uint32Array.from(column('t')),
      p: Uint8Array.from(column('p')),
    };
    for (const T of [4, 10]) {
      const want = turned(get(`frames_T${T}`));
      const got = eventsToFrames(events, { T, splitBy: 'number', height: 128, width: 128 });
      expect(got.shape).toEqual(want.shape);
      const most = (json['max_count'] as Record<string, number>)[T] ?? 0;
      // Upstream's counts wrap round at 256; ours stay at 255.
      const upstreams =
        most > 255 ? Uint8Array.from(want.data as Uint8Array, (v) => (v > 0 ? 255 : 0)) : want.data;
      const ours = most > 255 ? Uint8Array.from(got.data, (v) => (v > 0 ? 255 : 0)) : got.data;
      expectClose(ours, upstreams, 0, `frames_T${T}`);
      expect(got.data.reduce((a, b) => Math.max(a, b), 0)).toBe(Math.min(255, most));
    }
  });

  it('splits by number as upstream does', () => {
    const rows = golden('events', 'split_by_number').json['rows'] as {
      N: number;
      T: number;
      left: number[];
      right: number[];
    }[];
    for (const { N, T, left, right } of rows) {
      expect(splitByNumber(N, T)).toEqual({ left, right });
      const events = streamOf(Array.from({ length: N }, (_, i) => [i % 6, 0, i, 0] as const));
      const frames = eventsToFrames(events, { T, splitBy: 'number', height: 4, width: 6 });
      const perFrame = Array.from({ length: T }, (_, i) => sum(frames.data.subarray(i * 48, (i + 1) * 48)));
      expect(perFrame).toEqual(right.map((end, i) => end - (left[i] ?? 0)));
    }
  });

  it('counts every event once, whichever way it splits', () => {
    fc.assert(
      fc.property(
        anyEvents,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('number', 'time'),
        (events, T, splitBy) => {
          const frames = eventsToFrames(events, { T, splitBy, height: 4, width: 6 });
          expect(sum(frames.data)).toBe(events.t.length);
          const on = frames.data.filter((_, i) => i % 2 === 1);
          expect(sum(on)).toBe(events.p.filter((p) => p === 1).length);
        },
      ),
    );
  });

  it('splits time into equal windows, whatever the order of the stamps', () => {
    const events = streamOf([
      [3, 0, 399, 1],
      [0, 0, 0, 0],
      [1, 0, 99, 0],
      [2, 0, 100, 0],
      [2, 1, 200, 1],
    ]);
    const { data } = eventsToFrames(events, { T: 4, splitBy: 'time', height: 2, width: 4 });
    const cell = (t: number, y: number, x: number, p: number): number | undefined =>
      data[((t * 2 + y) * 4 + x) * 2 + p];
    expect([
      cell(0, 0, 0, 0),
      cell(0, 0, 1, 0),
      cell(1, 0, 2, 0),
      cell(2, 1, 2, 1),
      cell(3, 0, 3, 1),
    ]).toEqual([1, 1, 1, 1, 1]);
  });

  it('makes empty frames of no events', () => {
    for (const splitBy of ['number', 'time'] as const) {
      const { data } = eventsToFrames(streamOf([]), { T: 3, splitBy, height: 2, width: 2 });
      expect(Array.from(data)).toEqual(Array.from({ length: 24 }, () => 0));
    }
  });

  it('refuses events outside of the frame, by name', () => {
    expect(() =>
      eventsToFrames(streamOf([[6, 0, 0, 0]]), { T: 1, splitBy: 'number', height: 4, width: 6 }),
    ).toThrow('event 0 at x 6, y 0 is outside of a frame of 4x6');
  });
});

describe('EventsToFrames', () => {
  const build = (config: object): ((sample: Sample) => Sample) => {
    const op = transforms.build({ type: 'EventsToFrames', ...config }, undefined);
    return (sample) => op(sample, rngFor(0));
  };
  const events = streamOf([[1, 2, 3, 1]]);

  it("takes the sensor's size, or its own", () => {
    const sample = build({ T: 2 })({ events, sensor: [4, 6], gt_label: 3 });
    expect((sample.img as NdArray).shape).toEqual([2, 4, 6, 2]);
    expect(sample).toMatchObject({ gt_label: 3, layout: 'THWC' });
    expect(sample.events).toBeUndefined();
    expect((build({ T: 2, height: 5, width: 7, split_by: 'time' })({ events }).img as NdArray).shape).toEqual(
      [2, 5, 7, 2],
    );
  });

  it('says what is missing', () => {
    expect(() => build({ T: 2 })({ events })).toThrow('needs height and width');
    expect(() => build({ T: 2 })({ file: 'a.bin' })).toThrow('put { type: "LoadEvents" } before it');
    expect(() => build({ T: 0 })).toThrow(/pipeline\.T/);
    expect(() => build({ T: 2, splitby: 'time' })).toThrow(/split_by/);
  });
});
