import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NdArray, readNpz } from '@bidl/formats';
import { repositoryRoot } from './root.js';

/** The description beside a case's arrays. Its fields differ by group (fixtures/golden/INDEX.md); read them with care. */
export interface GoldenJson {
  readonly case: string;
  readonly group: string;
  readonly class?: string;
  readonly ctor?: Readonly<Record<string, unknown>>;
  readonly tolerance?: unknown;
  readonly fragile?: boolean;
  readonly [key: string]: unknown;
}

/** One golden case: what upstream was asked and what it answered, in PyTorch's layout. */
export interface Golden {
  readonly name: string;
  readonly json: GoldenJson;
  readonly arrays: ReadonlyMap<string, NdArray>;
  /** The array called `name`; throws with the list of names when there is none. */
  get(name: string): NdArray;
  /** The arrays whose name starts with `prefix`, by the rest of their name: `within('param/')`. */
  within(prefix: string): Map<string, NdArray>;
}

const goldenFolder = (group: string): string => join(repositoryRoot(), 'fixtures', 'golden', group);

/** Absolute path of a file of a group, such as `goldenFile('checkpoints', 'hostile.pth')`. */
export const goldenFile = (group: string, file: string): string => join(goldenFolder(group), file);

/** Names of a group's cases, sorted; with a filter, those that match it. Throws when none does: an empty test proves nothing. */
export function goldenCases(group: string, filter = /^/): string[] {
  const cases = readdirSync(goldenFolder(group))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .filter((name) => filter.test(name))
    .sort();
  if (cases.length === 0) throw new Error(`fixtures/golden/${group} has no case that matches ${filter}`);
  return cases;
}

/** Loads a case: `golden('neurons', 'lif_spike')`. Cases without an npz file (json only) have no arrays. */
export function golden(group: string, name: string): Golden {
  const folder = goldenFolder(group);
  const json = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as GoldenJson;
  const file = `${name}.npz`;
  const arrays = readdirSync(folder).includes(file)
    ? readNpz(readFileSync(join(folder, file)))
    : new Map<string, NdArray>();
  return {
    name,
    json,
    arrays,
    get(key) {
      const array = arrays.get(key);
      if (!array)
        throw new Error(
          `${group}/${name} has no array ${JSON.stringify(key)}; it has ${[...arrays.keys()].join(', ')}`,
        );
      return array;
    },
    within(prefix) {
      const entries = [...arrays].filter(([key]) => key.startsWith(prefix));
      return new Map(entries.map(([key, array]) => [key.slice(prefix.length), array]));
    },
  };
}
