/**
 * A seed for one named thing out of a run's seed: FNV-1a over both. The same pair gives the same seed on every
 * machine, and adding a layer to a network leaves the others' weights as they were.
 *
 * @returns an integer from 1 to 2³² − 1; never 0, which tfjs takes for "no seed".
 */
export function seedFor(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${name}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash >>> 0 || 1;
}
