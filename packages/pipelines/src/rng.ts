import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of random numbers. The same seed gives the same stream on every machine. */
export interface Rng {
  /** A number in [low, high), by default [0, 1). */
  uniform(low?: number, high?: number): number;
  /** An integer of low ... high, both included. */
  int(low: number, high: number): number;
  /** A normally distributed number, by default N(0, 1). */
  normal(mean?: number, deviation?: number): number;
}

/**
 * The stream of `seed` and further keys. Streams of different keys are independent of each other, so whatever
 * is random about sample 7 in epoch 2 is `rngFor(seed, 2, 7)`: no matter which worker asks, or in what order.
 *
 * @example
 * rngFor(0, 'crop', 2, 7).int(0, 8);
 */
export function rngFor(seed: number, ...keys: readonly (number | string)[]): Rng {
  const generator = xoroshiro128plusFromState(hash128(seed, keys));
  const uniform = (): number => uniformFloat64(generator);
  let spare: number | undefined;

  return {
    uniform: (low = 0, high = 1) => low + (high - low) * uniform(),
    int: (low, high) => uniformInt(generator, low, high),
    normal(mean = 0, deviation = 1) {
      // Marsaglia's polar method: log and sqrt only, which round alike everywhere (sin and cos may not).
      if (spare !== undefined) {
        const value = mean + deviation * spare;
        spare = undefined;
        return value;
      }
      for (;;) {
        const a = 2 * uniform() - 1;
        const b = 2 * uniform() - 1;
        const s = a * a + b * b;
        if (s >= 1 || s === 0) continue;
        const scale = Math.sqrt((-2 * Math.log(s)) / s);
        spare = b * scale;
        return mean + deviation * a * scale;
      }
    },
  };
}

/**
 * A permutation of 0 ... length-1 (Fisher-Yates).
 *
 * @example
 * permutation(4, rngFor(0)); // Int32Array(4)
 */
export function permutation(length: number, rng: Rng): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = rng.int(0, i);
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}

/** Four 32-bit words out of the seed and its keys; each word mixes everything. */
function hash128(seed: number, keys: readonly (number | string)[]): [number, number, number, number] {
  const words: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  const feed = (value: number): void => {
    for (let i = 0; i < 4; i++) words[i] = mix((words[i] ?? 0) ^ Math.imul(value + i, 0x85ebca6b));
  };
  const feedNumber = (value: number): void => {
    feed(value | 0);
    feed(Math.floor(value / 2 ** 32) | 0);
    const fraction = value - Math.floor(value);
    if (fraction !== 0) feed((fraction * 2 ** 32) | 0);
  };
  feedNumber(seed);
  for (const key of keys) {
    if (typeof key === 'number') {
      feed(1);
      feedNumber(key);
    } else {
      feed(2 + key.length);
      for (let i = 0; i < key.length; i++) feed(key.charCodeAt(i));
    }
  }
  // The generator must not start at all zeros.
  if (words.every((word) => word === 0)) words[0] = 1;
  return words;
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
