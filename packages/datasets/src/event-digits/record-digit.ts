import { type EventStream } from '@bidl/formats';
import { type Rng, rngFor } from '@bidl/pipelines';

import { RECORDING, saccadeAt } from './saccades.js';
import { type Scene, sense } from './sensor.js';
import { unpackEvents } from './unpack-events.js';

/** Side of a digit picture. */
export const DIGIT_SIDE = 28;

/** Side of the sensor, as N-MNIST's. */
export const SENSOR_SIDE = 34;

const PIXELS = SENSOR_SIDE * SENSOR_SIDE;
const MARGIN = (SENSOR_SIDE - DIGIT_SIDE) / 2;
/** Empty border around the digit in which the moving window may read. */
const BORDER = 8;
const PADDED = DIGIT_SIDE + 2 * BORDER;
/** Brightness of the dark; with ink at 1 the contrast is 11:1, e^2.4. */
const DARK = 0.1;
const CONTRAST = 0.35;
/** Standard deviation of the thresholds over the sensor, relative. */
const MISMATCH = 0.05;
const REFRACTORY = 1000;
const STEP = 4000;
/** Background events per pixel and second. */
const NOISE_RATE = 0.4;

/** The sensor all digits are recorded with: its thresholds differ from pixel to pixel. */
export interface Sensor {
  readonly onThreshold: Float32Array;
  readonly offThreshold: Float32Array;
}

/** A sensor whose mismatch comes from the seed. */
export function makeSensor(seed: number): Sensor {
  const rng = rngFor(seed, 'sensor');
  const draw = (): number => CONTRAST * Math.max(0.5, rng.normal(1, MISMATCH));
  return {
    onThreshold: Float32Array.from({ length: PIXELS }, draw),
    offThreshold: Float32Array.from({ length: PIXELS }, draw),
  };
}

/**
 * Records one digit: the picture makes three saccades in front of the sensor.
 *
 * @param digit 784 brightnesses, 0 (paper) to 1 (ink), row by row
 * @returns 34x34 events, sorted by time, 0 ... 300 ms
 */
export function recordDigit(digit: ArrayLike<number>, sensor: Sensor, rng: Rng): EventStream {
  const shift: [number, number] = [rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4)];
  const events = sense(movingDigit(digit, shift), {
    ...sensor,
    width: SENSOR_SIDE,
    height: SENSOR_SIDE,
    refractory: REFRACTORY,
    duration: RECORDING,
    step: STEP,
  });
  const perMicrosecond = (NOISE_RATE * PIXELS) / 1e6;
  for (let t = waiting(rng, perMicrosecond); t < RECORDING; t += waiting(rng, perMicrosecond)) {
    events.push((Math.floor(t) * PIXELS + rng.int(0, PIXELS - 1)) * 2 + rng.int(0, 1));
  }
  return unpackEvents(events, SENSOR_SIDE, SENSOR_SIDE);
}

/** Time to the next event of a Poisson process. */
function waiting(rng: Rng, rate: number): number {
  return -Math.log(1 - rng.uniform()) / rate;
}

/** The digit, moved by the saccades and a constant shift, between pixels by bilinear interpolation. */
function movingDigit(digit: ArrayLike<number>, [shiftX, shiftY]: readonly [number, number]): Scene {
  const padded = new Float64Array(PADDED * PADDED);
  let [left, right, top, bottom] = [DIGIT_SIDE, -1, DIGIT_SIDE, -1];
  for (let y = 0, i = 0; y < DIGIT_SIDE; y++) {
    for (let x = 0; x < DIGIT_SIDE; x++, i++) {
      const value = digit[i] ?? 0;
      if (value === 0) continue;
      padded[(y + BORDER) * PADDED + x + BORDER] = value;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
  }
  // Pixels that ink can reach: its box, widened by the path of the saccades.
  const reach = 3;
  const clamp = (value: number): number => Math.min(SENSOR_SIDE - 1, Math.max(0, value));
  const x0 = clamp(left + MARGIN - reach);
  const x1 = clamp(right + MARGIN + reach);
  const y0 = clamp(top + MARGIN - reach);
  const y1 = clamp(bottom + MARGIN + reach);
  const wide = right < 0 ? 0 : x1 - x0 + 1;
  const high = bottom < 0 ? 0 : y1 - y0 + 1;
  const pixels = new Int32Array(wide * high);
  for (let y = 0, i = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) pixels[i++] = (y0 + y) * SENSOR_SIDE + x0 + x;
  }
  const dark = Math.log(DARK);

  const render = (time: number, into: Float64Array): void => {
    const [dx, dy] = saccadeAt(time);
    const fromX = -(dx + shiftX);
    const fromY = -(dy + shiftY);
    const wholeX = Math.floor(fromX);
    const wholeY = Math.floor(fromY);
    const fx = fromX - wholeX;
    const fy = fromY - wholeY;
    const w00 = (1 - fx) * (1 - fy);
    const w01 = fx * (1 - fy);
    const w10 = (1 - fx) * fy;
    const w11 = fx * fy;
    for (let y = 0, i = 0; y < high; y++) {
      let at = (y0 + y - MARGIN + wholeY + BORDER) * PADDED + x0 - MARGIN + wholeX + BORDER;
      for (let x = 0; x < wide; x++, i++, at++) {
        const ink =
          (padded[at] as number) * w00 +
          (padded[at + 1] as number) * w01 +
          (padded[at + PADDED] as number) * w10 +
          (padded[at + PADDED + 1] as number) * w11;
        into[i] = ink === 0 ? dark : Math.log(ink + DARK);
      }
    }
  };
  return { render, pixels };
}
