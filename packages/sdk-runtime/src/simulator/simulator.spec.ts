import { type Driver, MEMCPY } from '../driver.js';
import { openSimulator, type Simulator } from './simulator.js';

let driver: Simulator;
beforeEach(async () => {
  driver = await openSimulator({ devices: 2, memoryBytes: 2 ** 20, maxStreams: 4 });
}, 120_000);
afterEach(() => driver.close());

const settled = (promise: Promise<unknown>, ms = 30) =>
  Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms)),
  ]);

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('memory', () => {
  test('copies in both directions and inside, fills, and can be walked through', async () => {
    driver.createContext(0);
    const stream = driver.createStream();
    const [a, b] = [driver.malloc(8), driver.malloc(8)];
    const back = new Uint8Array(8);
    driver.memcpyAsync(stream, a, bytes(1, 2, 3, 4, 5, 6, 7, 8), 8, MEMCPY.clientToServer);
    driver.memsetAsync(stream, b, 9, 8);
    driver.memcpyAsync(stream, driver.addrSeek(b, 2), driver.addrSeek(a, 4), 4, MEMCPY.serverToServer);
    driver.memcpyAsync(stream, back, b, 8, MEMCPY.serverToClient);
    await driver.synchronizeStream(stream);
    expect(back).toEqual(bytes(9, 9, 5, 6, 7, 8, 9, 9));
    driver.memset(a, 3, 2);
    driver.memcpyEx(driver.devPtr2PhysAddr(a), back, 4, MEMCPY.serverToClient);
    expect(back.slice(0, 4)).toEqual(bytes(3, 3, 3, 4));
  });

  test('is bounded, and what is freed can be had again', () => {
    driver.createContext(0);
    const half = driver.malloc(2 ** 19);
    driver.malloc(2 ** 19);
    expect(() => driver.malloc(1)).toThrow(
      /lynMalloc: out of device memory \(100008\): device 0 has 1048576/,
    );
    driver.free(half);
    expect(driver.malloc(2 ** 19)).toBe(half);
    expect(() => driver.malloc(0)).toThrow(/100005/);
    expect(driver.getDeviceProperties(0)).toMatchObject({ memoryTotal: 2 ** 20, memoryUsed: 2 ** 20 });
    expect(driver.getDeviceProperties(1)).toMatchObject({ memoryUsed: 0 });
  });

  test('foreign addresses and lengths are refused', () => {
    driver.createContext(0);
    const pointer = driver.malloc(8);
    const host = new Uint8Array(16);
    expect(() => driver.memcpy(host, pointer, 9, MEMCPY.serverToClient)).toThrow(
      /109006.*9 bytes where 8 are left/,
    );
    expect(() => driver.memcpy(host.subarray(0, 4), pointer, 8, MEMCPY.serverToClient)).toThrow(/109006/);
    expect(() => driver.memcpy(host, pointer, 8, MEMCPY.clientToServer)).toThrow(/100005/);
    expect(() => driver.memset(driver.addrSeek(pointer, 8), 0, 1)).toThrow(/109004/);
    driver.free(pointer);
    expect(() => driver.free(pointer)).toThrow(/109004.*freed before/);
  });

  test('host memory stays until the copy has been made', async () => {
    driver.createContext(0);
    const stream = driver.createStream();
    const event = driver.createEvent();
    const [target, back] = [driver.malloc(2 ** 16), new Uint8Array(2 ** 16)];
    driver.streamWaitEvent(stream, event);
    driver.memcpyAsync(stream, target, new Uint8Array(2 ** 16).fill(7), 2 ** 16, MEMCPY.clientToServer);
    for (let i = 0; i < 50; i++) new Uint8Array(2 ** 20).fill(i); // whatever collects garbage may
    driver.recordEvent(driver.createStream(), event);
    await driver.synchronizeStream(stream);
    driver.memcpy(back, target, 2 ** 16, MEMCPY.serverToClient);
    expect(back.every((x) => x === 7)).toBe(true);
  });
});

describe('streams and events', () => {
  test('waiting for an event that was not recorded blocks its stream and no other', async () => {
    driver.createContext(0);
    const [a, b] = [driver.createStream(), driver.createStream()];
    const event = driver.createEvent();
    driver.streamWaitEvent(a, event);
    const blocked = driver.synchronizeStream(a);
    expect(await settled(driver.synchronizeStream(b))).toBe(true);
    expect(await settled(blocked)).toBe(false);
    driver.recordEvent(b, event);
    await blocked;
  });

  test('a recording lets one wait pass', async () => {
    driver.createContext(0);
    const [a, b] = [driver.createStream(), driver.createStream()];
    const event = driver.createEvent();
    driver.recordEvent(b, event);
    driver.streamWaitEvent(a, event);
    await driver.synchronizeStream(a);
    driver.streamWaitEvent(a, event);
    const second = driver.synchronizeStream(a);
    expect(await settled(second)).toBe(false);
    driver.recordEvent(b, event);
    await second;
  });

  test('events and copies cross devices, and devices do not wait for each other otherwise', async () => {
    const first = driver.createContext(0);
    const [from, event] = [driver.createStream(), driver.createEvent()];
    const source = driver.malloc(4);
    driver.createContext(1);
    const [to, target] = [driver.createStream(), driver.malloc(4)];
    const back = new Uint8Array(4);
    driver.streamWaitEvent(to, event);
    driver.memcpyAsync(to, back, target, 4, MEMCPY.serverToClient);
    const done = driver.synchronizeStream(to);
    expect(await settled(done)).toBe(false);
    driver.setCurrentContext(first);
    driver.memcpyAsync(from, source, bytes(4, 3, 2, 1), 4, MEMCPY.clientToServer);
    driver.memcpyAsync(from, target, source, 4, MEMCPY.serverToServer);
    driver.recordEvent(from, event);
    await done;
    expect(back).toEqual(bytes(4, 3, 2, 1));
  });

  test('a stream waits for a callback, and not for an asynchronous one', async () => {
    driver.createContext(0);
    const stream = driver.createStream();
    const order: string[] = [];
    const pointer = driver.malloc(1);
    const seen = new Uint8Array(1);
    driver.memsetAsync(stream, pointer, 1, 1);
    driver.streamAddCallback(stream, () => {
      driver.memcpy(seen, pointer, 1, MEMCPY.serverToClient);
      order.push(`callback sees ${seen[0]}`);
    });
    driver.memsetAsync(stream, pointer, 2, 1);
    driver.streamAddAsyncCallback(stream, () => order.push('asynchronous'));
    await driver.synchronizeStream(stream);
    expect(order).toEqual(['callback sees 1', 'asynchronous']);
  });

  test('what a callback throws comes out of the next synchronize', async () => {
    driver.createContext(0);
    const stream = driver.createStream();
    driver.streamAddCallback(stream, () => {
      throw new RangeError('mine');
    });
    await expect(driver.synchronizeStream(stream)).rejects.toThrow(new RangeError('mine'));
    await driver.synchronizeStream(stream);
  });

  test('times between events', async () => {
    driver.createContext(0);
    const stream = driver.createStream();
    const [start, end] = [driver.createEvent(), driver.createEvent()];
    expect(() => driver.eventElapsedTime(start, end)).toThrow(/106001/);
    await expect(driver.synchronizeEvent(start)).rejects.toThrow(/106001/);
    driver.recordEvent(stream, start);
    driver.recordEvent(stream, end);
    await driver.synchronizeEvent(end);
    expect(driver.eventElapsedTime(start, end)).toBeGreaterThanOrEqual(0);
    expect(driver.eventElapsedTime(start, end)).toBeLessThan(1000);
  });

  test('destroying a stream drops what has not run', async () => {
    driver.createContext(0);
    const stream = driver.createStream();
    driver.streamWaitEvent(stream, driver.createEvent());
    const waiting = driver.synchronizeStream(stream);
    driver.destroyStream(stream);
    await expect(waiting).rejects.toThrow(/lynSynchronizeStream.*107000.*destroyed/);
    expect(() => driver.destroyStream(stream)).toThrow(/lynDestroyStream.*107000/);
  });

  test('streams are limited', () => {
    driver.createContext(0);
    for (let i = 0; i < 4; i++) driver.createStream();
    expect(() => driver.createStream()).toThrow(/107002/);
  });
});

describe('contexts', () => {
  test('are needed, and belong to a device', () => {
    expect(driver.getDeviceCount()).toBe(2);
    expect(() => driver.malloc(1)).toThrow(/lynMalloc.*108003/);
    expect(() => driver.createContext(2)).toThrow(/lynCreateContext.*112002.*device 2: there are 2/);
    const context = driver.createContext(1);
    expect(driver.getCurrentContext()).toBe(context);
    driver.destroyContext(context);
    expect(() => driver.setCurrentContext(context)).toThrow(/108000/);
  });

  test('take along what was made in them', () => {
    const context = driver.createContext(0);
    driver.createStream();
    driver.createEvent();
    driver.malloc(100);
    expect(driver.usage()).toMatchObject({ contexts: 1, streams: 1, events: 1, buffers: 1, bytes: 100 });
    driver.destroyContext(context);
    expect(Object.values(driver.usage()).every((count) => count === 0)).toBe(true);
  });

  test('hear of failures of their device, and a new one starts afresh', async () => {
    const failing = await openSimulator({ faults: [{ call: 'lynMemsetAsync', when: 'execution' }] });
    const messages: unknown[] = [];
    const use = (d: Driver) => {
      const context = d.createContext(0);
      d.registerErrorHandler((message) => messages.push(message));
      const stream = d.createStream();
      d.memsetAsync(stream, d.malloc(1), 0, 1);
      return { context, done: d.synchronizeStream(stream) };
    };
    const first = use(failing);
    await expect(first.done).rejects.toMatchObject({ call: 'lynMemsetAsync', code: 112003 });
    expect(messages).toMatchObject([{ errCode: 112003, errFunction: 'lynMemsetAsync', errDeviceId: 0 }]);
    failing.destroyContext(first.context);
    await use(failing).done;
    failing.close();
  });
});

test('closing rejects what waits, and ends everything', async () => {
  driver.createContext(0);
  const stream = driver.createStream();
  driver.streamWaitEvent(stream, driver.createEvent());
  const waiting = driver.synchronizeStream(stream);
  driver.close();
  await expect(waiting).rejects.toMatchObject({ name: 'DriverError' });
  expect(() => driver.createContext(0)).toThrow(/112003.*closed/);
});
