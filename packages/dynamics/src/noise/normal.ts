/** Mixes the bits of a 32-bit number so that each depends on all: the finaliser of MurmurHash3 (Appleby, public domain). */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The golden ratio's bits: counters times this differ in half of their bits. */
const GOLDEN = 0x9e3779b9;

/** The key of one sample's noise at one time step. */
export const noiseKey = (seed: number, step: number, sample: number): number =>
  mix(mix(seed + Math.imul(GOLDEN, step + 1)) + Math.imul(GOLDEN, sample + 1));

/**
 * The normal number at place `index` under a key: a function of both, so that a backward pass draws what its forward pass
 * drew, and fused and composed forms draw the same (Box and Muller 1958, on two hashed words of 23 bits).
 * native/scan/noise.cc has it in vectors.
 */
export function normalAt(key: number, index: number): number {
  const first = mix(Math.imul(GOLDEN, index + 1) ^ key);
  const second = mix(first + GOLDEN);
  const uniform = (word: number) => ((word >>> 9) + 0.5) / 2 ** 23;
  return Math.sqrt(-2 * Math.log(uniform(first))) * Math.cos(2 * Math.PI * uniform(second));
}
