import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { type NdArray, sizeOf } from '../array/ndarray.js';
import { FormatError } from '../errors.js';
import type { PickleValue } from '../pickle/value.js';
import { allocatedBy } from '../spec/allocations.js';
import { assemble } from '../spec/assemble.js';
import { fixture, goldenCheckpoint } from '../spec/fixture.js';
import { readZip, writeZip } from '../zip/zip.js';
import { readTorch } from './read-torch.js';

type Edit = (bytes: Uint8Array) => Uint8Array;

/** Bits flipped, bytes replaced, truncations, and sections copied, moved or cut; the places are shares of the file's length. */
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ at: place(), bit: fc.nat(7) }).map(flip) },
  { weight: 3, arbitrary: fc.record({ at: place(), byte: fc.nat(255) }).map(replace) },
  { weight: 1, arbitrary: place().map((end): Edit => (bytes) => bytes.subarray(0, index(bytes, end))) },
  { weight: 3, arbitrary: fc.record({ from: place(), length: fc.nat(64), to: place(), over: fc.boolean() }).map(splice) },
  { weight: 1, arbitrary: fc.record({ at: place(), length: fc.nat(16) }).map(cut) },
); // prettier-ignore

function place(): fc.Arbitrary<number> {
  return fc.nat(2 ** 20 - 1).map((n) => n / 2 ** 20);
}
const index = (bytes: Uint8Array, share: number): number => Math.floor(share * bytes.length);

function flip({ at, bit }: { at: number; bit: number }): Edit {
  return (bytes) => replace({ at, byte: (bytes[index(bytes, at)] ?? 0) ^ (1 << bit) })(bytes);
}
function replace({ at, byte }: { at: number; byte: number }): Edit {
  return (bytes) => {
    const copy = bytes.slice();
    copy[index(bytes, at)] = byte;
    return copy;
  };
}
function splice({
  from,
  length,
  to,
  over,
}: {
  from: number;
  length: number;
  to: number;
  over: boolean;
}): Edit {
  return (bytes) => {
    const section = bytes.subarray(index(bytes, from), index(bytes, from) + length);
    const target = index(bytes, to);
    return assemble(bytes.subarray(0, target), section, bytes.subarray(target + (over ? section.length : 0)));
  };
}
function cut({ at, length }: { at: number; length: number }): Edit {
  return (bytes) => assemble(bytes.subarray(0, index(bytes, at)), bytes.subarray(index(bytes, at) + length));
}

const isArray = (value: object): value is NdArray => 'shape' in value;

/** Every array holds what its shape says, and nothing is left that is no data. */
function expectSound(value: PickleValue): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if (isArray(value)) {
    if (sizeOf(value.shape) !== value.data.length)
      throw new Error(`[${value.shape.join()}]: ${value.data.length}`);
    return;
  }
  for (const part of value instanceof Map ? [...value].flat() : value) expectSound(part);
}

/** What came of a mutated file: a value, or nothing where it was refused by a FormatError. */
function attempt(bytes: Uint8Array): PickleValue | undefined {
  let value: PickleValue | undefined;
  const allocated = allocatedBy(() => {
    try {
      value = readTorch(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      if (!error.message.trim()) throw new Error('a FormatError that says nothing', { cause: error });
    }
  });
  const limit = 16 * bytes.length + 2 ** 21;
  if (allocated > limit) throw new Error(`${allocated} bytes for a file of ${bytes.length}`);
  if (value !== undefined) expectSound(value);
  return value;
}

const golden = (name: string) => goldenCheckpoint(name);
const made = (name: string) => fixture(`torch/${name}`);
const settings = (numRuns: number) => ({ numRuns, seed: 20260101 });
const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
const apply = (bytes: Uint8Array, changes: readonly Edit[]): Uint8Array =>
  changes.reduce((now, change) => (now.length === 0 ? now : change(now)), bytes);

describe('2,000 mutated checkpoints give a FormatError or a sound value', () => {
  afterAll(() => expect(existsSync('/tmp/bidl_pwned')).toBe(false));
  const counts = { read: 0, refused: 0 };
  const count = (value: unknown) => (value === undefined ? counts.refused++ : counts.read++);

  it('800 archives: the original value, as checksums see to it', () => {
    const files = [
      ...['tinyconv_zip.pth', 'tinyconv_oldzip.pth', 'odd_tensors_zip.pth'].map(golden),
      ...['dtypes.pth', 'dtypes-big-endian.pth', 'tied.pth', 'objects.pth', 'views-deflated.pth'].map(made),
    ];
    const values = files.map(readTorch);
    const property = fc.property(fc.nat(files.length - 1), edits, (i, changes) => {
      const got = attempt(apply(files[i]!, changes));
      count(got);
      if (got !== undefined) expect(got).toEqual(values[i]);
    });
    fc.assert(property, settings(800));
  });

  it('600 archives whose pickle is mutated and packed again', () => {
    const files = [
      ...['tinyconv_zip.pth', 'hostile.pth'].map(golden),
      ...['dtypes.pth', 'views-protocol4.pth', 'objects.pth', 'whole-model.pth', 'sparse.pth'].map(made),
    ].map((bytes) => readZip(bytes));
    const property = fc.property(fc.nat(files.length - 1), edits, (i, changes) => {
      const changed = [...files[i]!].map(
        ([name, content]) => [name, name.endsWith('data.pkl') ? apply(content, changes) : content] as const,
      );
      count(attempt(writeZip(new Map(changed))));
    });
    fc.assert(property, settings(600));
  });

  it('600 files of the old format, which has no checksums', () => {
    const files = [
      ...['tinyconv_legacy.pth', 'odd_tensors_legacy.pth', 'hostile_legacy.pth'].map(golden),
      ...['dtypes-legacy.pth', 'tied-legacy.pth', 'objects-legacy.pth'].map(made),
    ];
    const property = fc.property(fc.nat(files.length - 1), edits, (i, changes) => {
      count(attempt(apply(files[i]!, changes)));
    });
    fc.assert(property, settings(600));
  });

  it('both happen', () => {
    expect(counts.read + counts.refused).toBe(2000);
    expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(100);
  });
});
