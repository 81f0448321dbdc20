import { type Scene, sense, type SensorOptions } from './sensor.js';
import { unpackEvents } from './unpack-events.js';

const WIDTH = 8;

const options = (more: Partial<SensorOptions> = {}): SensorOptions => ({
  width: WIDTH,
  height: 1,
  onThreshold: new Float32Array(WIDTH).fill(0.25),
  offThreshold: new Float32Array(WIDTH).fill(0.5),
  refractory: 0,
  duration: 100_000,
  step: 1000,
  ...more,
});

/** A scene whose log brightness is a function of place and time. */
const scene = (brightness: (x: number, time: number) => number): Scene => ({
  pixels: Int32Array.from({ length: WIDTH }, (_, x) => x),
  render: (time, into) => {
    for (let x = 0; x < WIDTH; x++) into[x] = brightness(x, time);
  },
});

const eventsOf = (what: Scene, more?: Partial<SensorOptions>): { x: number; t: number; p: number }[] => {
  const { x, t, p } = unpackEvents(sense(what, options(more)), WIDTH, 1);
  return Array.from(t, (time, i) => ({ x: x[i]!, t: time, p: p[i]! }));
};

describe('an event sensor', () => {
  it('fires where and when the closed form says, as a bright edge moves across', () => {
    // A ramp of log brightness, 1 pixel wide and 1 high, moves right at 1 pixel per 10 ms: pixel x rises from
    // 0 to 1 between x * 10 ms and (x + 1) * 10 ms and passes 0.25, 0.5, 0.75 and 1 at quarters of that time.
    const edge = scene((x, time) => Math.min(1, Math.max(0, time / 10_000 - x)));
    const want = Array.from({ length: WIDTH }, (_, x) =>
      [1, 2, 3, 4].map((k) => ({ x, t: x * 10_000 + k * 2500, p: 1 })),
    ).flat();
    const got = eventsOf(edge);
    expect(got.map(({ x, p }) => ({ x, p }))).toEqual(want.map(({ x, p }) => ({ x, p })));
    got.forEach(({ t }, i) => expect(Math.abs(t - want[i]!.t)).toBeLessThanOrEqual(1));
  });

  it('says OFF as the edge moves back, at its own threshold', () => {
    const got = eventsOf(scene((x, time) => 1 - Math.min(1, Math.max(0, time / 10_000 - x))));
    expect(got).toHaveLength(2 * WIDTH);
    expect(got.every(({ p }) => p === 0)).toBe(true);
    expect(got.map(({ x }) => x)).toEqual(Array.from({ length: 2 * WIDTH }, (_, i) => Math.floor(i / 2)));
  });

  it('says nothing while nothing changes, or changes by less than a threshold', () => {
    expect(eventsOf(scene(() => 0.3))).toEqual([]);
    expect(eventsOf(scene((_, time) => 0.2 * Math.abs(1 - time / 50_000)))).toEqual([]);
  });

  it('does not depend on how often the scene is rendered, for straight changes', () => {
    const rise = scene((x, time) => (time / 100_000) * (x + 1));
    const coarse = eventsOf(rise, { step: 50_000 });
    const fine = eventsOf(rise, { step: 100 });
    expect(coarse.length).toBe(fine.length);
    coarse.forEach(({ x, t }, i) => {
      expect(x).toBe(fine[i]!.x);
      expect(Math.abs(t - fine[i]!.t)).toBeLessThanOrEqual(1);
    });
  });

  it('is silent for the refractory time after an event', () => {
    const rise = scene((_, time) => time / 10_000);
    const times = eventsOf(rise, { refractory: 4000 })
      .filter(({ x }) => x === 0)
      .map(({ t }) => t);
    expect(times.length).toBeGreaterThan(10);
    times.slice(1).forEach((t, i) => expect(t - times[i]!).toBeGreaterThanOrEqual(4000));
  });

  it('hears every pixel at its own threshold', () => {
    const onThreshold = Float32Array.from({ length: WIDTH }, (_, x) => 1 / (x + 1));
    const counts = new Array<number>(WIDTH).fill(0);
    for (const { x } of eventsOf(
      scene((_, time) => (1.001 * time) / 100_000),
      { onThreshold },
    ))
      counts[x]!++;
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
