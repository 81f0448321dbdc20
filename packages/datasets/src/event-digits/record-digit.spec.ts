import { rngFor } from '@bidl/pipelines';

import { DIGIT_SIDE, makeSensor, recordDigit, SENSOR_SIDE } from './record-digit.js';
import { RECORDING, saccadeAt } from './saccades.js';

/** A disc of ink, radius 6, in the middle. */
const disc = Float32Array.from({ length: DIGIT_SIDE ** 2 }, (_, i) => {
  const [y, x] = [Math.floor(i / DIGIT_SIDE) - 13.5, (i % DIGIT_SIDE) - 13.5];
  return Math.hypot(x, y) < 6 ? 1 : 0;
});

describe('saccades', () => {
  it('go round a triangle and come back, without a jump', () => {
    saccadeAt(RECORDING).forEach((place, i) => expect(place).toBeCloseTo(saccadeAt(0)[i]!, 12));
    for (let t = 0; t < RECORDING; t += 1000) {
      const [a, b] = [saccadeAt(t), saccadeAt(t + 1000)];
      expect(Math.hypot(b[0] - a[0], b[1] - a[1])).toBeLessThan(0.1);
    }
  });
});

describe('a recorded digit', () => {
  const sensor = makeSensor(0);
  const events = recordDigit(disc, sensor, rngFor(0, 'digit', 1));

  it('has sorted times within the recording, and pixels of the sensor', () => {
    expect(events.t.length).toBeGreaterThan(1000);
    expect(events.t.length).toBeLessThan(6000);
    expect(events.t.every((t, i) => t < RECORDING && (i === 0 || t >= events.t[i - 1]!))).toBe(true);
    expect(events.x.every((x) => x < SENSOR_SIDE) && events.y.every((y) => y < SENSOR_SIDE)).toBe(true);
  });

  it('has ON events at the edge that moves ahead and OFF events behind it', () => {
    // The first saccade goes to the right: ink arrives on the right side and leaves on the left.
    const middle = (SENSOR_SIDE - 1) / 2;
    const sides = { left: [0, 0], right: [0, 0] };
    events.t.forEach((t, i) => {
      if (t < 100_000) sides[events.x[i]! < middle ? 'left' : 'right'][events.p[i]!]!++;
    });
    expect(sides.right[1]!).toBeGreaterThan(10 * sides.right[0]!);
    expect(sides.left[0]!).toBeGreaterThan(10 * sides.left[1]!);
  });

  it('depends on nothing but its seeds', () => {
    expect(recordDigit(disc, makeSensor(0), rngFor(0, 'digit', 1))).toEqual(events);
    expect(recordDigit(disc, makeSensor(1), rngFor(0, 'digit', 1))).not.toEqual(events);
    expect(recordDigit(disc, sensor, rngFor(0, 'digit', 2))).not.toEqual(events);
  });

  it('is noise only for an empty picture', () => {
    const noise = recordDigit(new Float32Array(DIGIT_SIDE ** 2), sensor, rngFor(5));
    // 0.4 events per pixel and second: 139 in 300 ms, give or take four standard deviations.
    expect(Math.abs(noise.t.length - 139)).toBeLessThan(48);
    const on = noise.p.filter((p) => p === 1).length;
    expect(on).toBeGreaterThan(noise.p.length / 4);
    expect(on).toBeLessThan((3 * noise.p.length) / 4);
  });
});
