import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { FormatError } from '../errors.js';
import { fixture } from '../spec/fixture.js';
import { readNpz, writeNpz } from '../npy/npz.js';
import { ndarray } from '../array/ndarray.js';
import { readZip, writeZip } from './zip.js';

const text = (s: string) => new TextEncoder().encode(s);
const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const files = new Map([
  ['a.txt', text('hello '.repeat(100))],
  ['empty', new Uint8Array(0)],
]);
/** Start of the first entry of the central directory. */
const directoryOf = (zip: Uint8Array): number => view(zip).getUint32(zip.length - 6, true);

/** A changed copy. */
const altered = (zip: Uint8Array, change: (v: DataView, directory: number) => void): Uint8Array => {
  const copy = zip.slice();
  change(view(copy), directoryOf(copy));
  return copy;
};

describe('zip', () => {
  it.each([false, true])('reads what it writes (compress %p)', (compress) => {
    const zip = writeZip(files, { compress });
    expect([...readZip(zip)].map(([n, b]) => [n, Buffer.from(b).toString()])).toEqual(
      [...files].map(([n, b]) => [n, Buffer.from(b).toString()]),
    );
    expect(writeZip(files, { compress })).toEqual(zip);
  });

  it('deflates when asked', () => {
    expect(writeZip(files, { compress: true }).length).toBeLessThan(writeZip(files).length - 500);
  });

  it('refuses damage, and says where', () => {
    const zip = writeZip(files, { compress: true });
    const stored = writeZip(files);
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /no zip archive/],
      [text('hello'.repeat(20)), /byte 0: no zip archive/],
      [zip.subarray(0, zip.length - 30), /truncated: its directory is missing/],
      [altered(zip, (v, d) => v.setUint32(d, 0)), /directory entry 0 is damaged/],
      [altered(zip, (v, d) => v.setUint16(d + 28, 60_000, true)), /directory entry 0 is damaged/],
      [altered(zip, (v, d) => v.setUint16(d + 8, 1, true)), /"a.txt" is encrypted/],
      [altered(zip, (v, d) => v.setUint16(d + 10, 12, true)), /"a.txt" uses compression method 12/],
      [altered(zip, (v, d) => v.setUint32(d + 42, 1, true)), /"a.txt" is damaged: no header/],
      [altered(zip, (v, d) => v.setUint32(d + 20, 1e6, true)), /"a.txt" truncated/],
      [altered(zip, (v, d) => v.setUint32(d + 16, 1, true)), /"a.txt" is damaged: its checksum differs/],
      [
        altered(zip, (v, d) => v.setUint32(d + 24, 599, true)),
        /"a.txt" unpacks to more than the 599 bytes it declares/,
      ],
      [altered(zip, (v, d) => v.setUint32(d + 24, 601, true)), /"a.txt" declares 601 bytes and holds 600/],
      [altered(stored, (v, d) => v.setUint32(d + 24, 601, true)), /"a.txt" declares 601 bytes and holds 600/],
      [
        altered(zip, (v, d) => v.setUint32(d + 24, 0x7fffffff, true)),
        /declares 2147483647 bytes out of \d+: impossible/,
      ],
      [altered(zip, (v) => v.setUint32(v.byteLength - 6, 0xffffffff, true)), /64-bit zip/],
      [altered(zip, (v) => v.setUint32(v.byteLength - 10, 1e6, true)), /directory lies outside/],
    ];
    for (const [bytes, message] of cases) {
      expect(() => readZip(bytes)).toThrow(message);
      expect(() => readZip(bytes)).toThrow(FormatError);
    }
  });

  it('refuses two entries of one name, and names that are not repeated', () => {
    const zip = writeZip(new Map([['a', text('1')], ['b', text('2')]])); // prettier-ignore
    const renamed = (name: string) => {
      const copy = zip.slice();
      copy[Buffer.from(copy).lastIndexOf('b')] = name.charCodeAt(0);
      return copy;
    };
    expect(() => readZip(renamed('a'))).toThrow('two entries called "a"');
    expect(() => readZip(renamed('c'))).toThrow('"c" is damaged: its header has another name');
  });

  it('refuses entries that share bytes', () => {
    const zip = writeZip(new Map([['a', text('12')], ['b', text('34')]])); // prettier-ignore
    const longer = altered(zip, (v, d) => v.setUint32(d + 20, 20, true));
    expect(() => readZip(longer)).toThrow('zip entry "b" overlaps another one');
  });

  it('accepts missing checksums only when told to, and only when all are missing', () => {
    const without = altered(writeZip(files), (v, d) => v.setUint32(d + 16, 0, true));
    expect(() => readZip(without)).toThrow('its checksum differs');
    expect(readZip(without, { checksumsOptional: true })).toEqual(readZip(writeZip(files)));
    const mixed = altered(writeZip(new Map([...files, ['b', text('1')]])), (v, d) =>
      v.setUint32(d + 16, 0, true),
    );
    expect(() => readZip(mixed, { checksumsOptional: true })).toThrow('its checksum differs');
  });

  it('refuses a bomb before it goes off', () => {
    const zeros = new Map(Array.from({ length: 4 }, (_, i) => [`z${i}`, new Uint8Array(1e6)]));
    const bomb = writeZip(zeros, { compress: true });
    expect(bomb.length).toBeLessThan(10_000);
    expect(() => readZip(bomb, { maxBytes: 3e6 })).toThrow(
      'oversized: it would unpack to 4000000 bytes, the limit is 3000000',
    );
    expect(() => readZip(bomb, { maxEntries: 3 })).toThrow('has 4 entries, the limit is 3');
    expect(readZip(bomb).size).toBe(4);
    // One that lies about its size: the bytes are there, the promise is small.
    const liar = altered(bomb, (v, d) => v.setUint32(d + 24, 10, true));
    expect(() => readZip(liar, { maxBytes: 3.1e6 })).toThrow('unpacks to more than the 10 bytes it declares');
    expect(deflateRawSync(new Uint8Array(1e6)).length * 1032).toBeGreaterThan(1e6);
  });

  it('no mutation makes it throw anything but a FormatError', () => {
    const seeds = [writeZip(files, { compress: true }), fixture('stored.npz'), fixture('deflated.npz')];
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
        (seed, edits) => {
          const bytes = seed.slice();
          for (const [at, byte] of edits) bytes[bytes.length - 1 - (at % bytes.length)] = byte;
          try {
            readNpz(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('npz', () => {
  it('reads files by numpy', () => {
    const stored = readNpz(fixture('stored.npz'));
    expect([...stored.keys()]).toEqual(['a', 'b']);
    expect(stored.get('a')).toEqual(ndarray(Float32Array.of(-3, -2, -1, 0, 1, 2), [2, 3]));
    expect(stored.get('b')?.dtype).toBe('bool');
    expect(readNpz(fixture('deflated.npz')).get('zeros')).toEqual(ndarray(new Uint8Array(1000)));
  });

  it('reads what it writes, from a Map or an object', () => {
    const a = ndarray(Int32Array.of(1, 2, 3, 4), [2, 2]);
    const b = ndarray(Uint16Array.of(0x3c00), [], 'float16');
    for (const compress of [false, true]) {
      expect(readNpz(writeNpz({ a, b }, { compress }))).toEqual(new Map(Object.entries({ a, b })));
      expect(writeNpz(new Map([['a', a]]), { compress })).toEqual(writeNpz({ a }, { compress }));
    }
  });

  it('names the entry that is wrong', () => {
    expect(() => readNpz(writeZip(files))).toThrow('entry "a.txt": byte 0: no npy file');
  });
});
