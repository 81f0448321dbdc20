import fc from 'fast-check';
import { FormatError } from '../errors.js';
import { type EventStream, readNmnist, writeNmnist } from './nmnist.js';

const event = fc.record({
  x: fc.nat(33),
  y: fc.nat(33),
  t: fc.nat(2 ** 23 - 1),
  p: fc.nat(1),
});

const stream = (events: readonly { x: number; y: number; t: number; p: number }[]): EventStream => ({
  x: Uint16Array.from(events, (e) => e.x),
  y: Uint16Array.from(events, (e) => e.y),
  t: Uint32Array.from(events, (e) => e.t),
  p: Uint8Array.from(events, (e) => e.p),
});

describe('N-MNIST', () => {
  it('reads 40-bit events', () => {
    expect(readNmnist(Uint8Array.of(10, 30, 0x80, 0x02, 0xe9, 33, 0, 0x7f, 0xff, 0xff))).toEqual(
      stream([
        { x: 10, y: 30, t: 745, p: 1 },
        { x: 33, y: 0, t: 2 ** 23 - 1, p: 0 },
      ]),
    );
    expect(readNmnist(new Uint8Array(0))).toEqual(stream([]));
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 50 }), (events) => {
        const bytes = writeNmnist(stream(events));
        expect(bytes).toHaveLength(events.length * 5);
        expect(readNmnist(bytes)).toEqual(stream(events));
      }),
    );
  });

  it('adds 2^13 us for each clock overflow (y = 240) to all that follow', () => {
    const bytes = Uint8Array.of(
      ...[1, 2, 0, 0, 100],
      ...[0, 240, 0, 0, 0],
      ...[3, 4, 0x80, 0, 7],
      ...[0, 240, 0, 0, 0],
      ...[0, 240, 0, 0, 0],
      ...[5, 6, 0, 0, 9],
    );
    expect(readNmnist(bytes)).toEqual(
      stream([
        { x: 1, y: 2, t: 100, p: 0 },
        { x: 3, y: 4, t: 8192 + 7, p: 1 },
        { x: 5, y: 6, t: 3 * 8192 + 9, p: 0 },
      ]),
    );
    // On a sensor with a row 240 it is a pixel.
    expect(readNmnist(bytes.subarray(5, 10), { height: 241 }).y[0]).toBe(240);
  });

  it('takes other sensor sizes', () => {
    const bytes = Uint8Array.of(200, 100, 0, 0, 1);
    expect(readNmnist(bytes, { width: 240, height: 180 }).x[0]).toBe(200);
  });

  it('says what is wrong, and at which byte', () => {
    const pixel = (x: number, y: number) => Uint8Array.of(0, 0, 0, 0, 0, x, y, 0, 0, 0);
    const cases: [() => unknown, string][] = [
      [
        () => readNmnist(new Uint8Array(13)),
        'byte 10: N-MNIST file truncated: its last event has 3 of 5 bytes',
      ],
      [() => readNmnist(pixel(34, 0)), 'byte 5: N-MNIST event 1 lies outside the 34x34 sensor: x is 34'],
      [() => readNmnist(pixel(0, 255)), 'byte 5: N-MNIST event 1 lies outside the 34x34 sensor: y is 255'],
      [
        () => readNmnist(new Uint8Array(20), { maxBytes: 15 }),
        'N-MNIST file oversized: 20 bytes, the limit is 15',
      ],
      [() => readNmnist(new Uint8Array(16 * 2 ** 20 + 5)), 'oversized'],
    ];
    for (const [read, message] of cases) {
      expect(read).toThrow(message);
      expect(read).toThrow(FormatError);
    }
  });

  it('refuses times that a 32-bit clock cannot hold', () => {
    const overflows = new Uint8Array(5 * 524_289);
    for (let at = 1; at < overflows.length - 5; at += 5) overflows[at] = 240;
    expect(() => readNmnist(overflows)).toThrow('N-MNIST event has a time of 4294967296 us, beyond 2^32');
  });

  it('whatever the bytes are, gives events inside the sensor or a FormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const { x, y, p } = readNmnist(bytes, { width: 200, height: 200 });
          expect([...x, ...y].every((v) => v < 200) && p.every((v) => v < 2)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('writes nothing that would be read differently', () => {
    const good = { x: 1, y: 1, t: 1, p: 1 };
    for (const bad of [{ x: 256 }, { y: 256 }, { y: 240 }, { t: 2 ** 23 }, { p: 2 }]) {
      expect(() => writeNmnist(stream([good, { ...good, ...bad }]))).toThrow(/event 1 .* does not fit/);
    }
    expect(() => writeNmnist({ ...stream([good]), t: new Uint32Array(2) })).toThrow('1 x, 1 y, 2 t and 1 p');
  });
});
