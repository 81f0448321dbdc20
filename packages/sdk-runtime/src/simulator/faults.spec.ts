import { type Context, type Driver, type DriverError, MEMCPY } from '../index.js';
import { compileTo, spikingNetwork, temporaryFolder } from '../testing/artifacts.js';
import { openSimulator } from './simulator.js';

const folder = temporaryFolder();
let path: string;
beforeAll(async () => {
  path = await compileTo(folder.path, spikingNetwork());
}, 120_000);
afterAll(() => folder.remove());

/** One of everything. */
function things(driver: Driver) {
  const context: Context = driver.createContext(0);
  const [stream, event] = [driver.createStream(), driver.createEvent()];
  const [a, b] = [driver.malloc(4096), driver.malloc(4096)];
  const model = driver.loadModel(path);
  return { context, stream, event, a, b, model, host: new Uint8Array(64) };
}
type Things = ReturnType<typeof things>;

const { clientToServer, serverToServer } = MEMCPY;
const ignore = () => undefined;

/** Every call that a driver has, by LynSDK's name. A missing one does not type-check. */
const CALLS: Readonly<
  Record<Exclude<keyof Driver, 'addrSeek'>, readonly [string, (d: Driver, t: Things) => unknown]>
> = {
  getDeviceCount: ['lynGetDeviceCount', (d) => d.getDeviceCount()],
  getDeviceProperties: ['lynGetDeviceProperties', (d) => d.getDeviceProperties(0)],
  createContext: ['lynCreateContext', (d) => d.createContext(0)],
  destroyContext: ['lynDestroyContext', (d, t) => d.destroyContext(t.context)],
  setCurrentContext: ['lynSetCurrentContext', (d, t) => d.setCurrentContext(t.context)],
  getCurrentContext: ['lynGetCurrentContext', (d) => d.getCurrentContext()],
  registerErrorHandler: ['lynRegisterErrorHandler', (d) => d.registerErrorHandler(ignore)],
  createStream: ['lynCreateStream', (d) => d.createStream()],
  destroyStream: ['lynDestroyStream', (d, t) => d.destroyStream(t.stream)],
  synchronizeStream: ['lynSynchronizeStream', (d, t) => d.synchronizeStream(t.stream)],
  streamAddCallback: ['lynStreamAddCallback', (d, t) => d.streamAddCallback(t.stream, ignore)],
  streamAddAsyncCallback: ['lynStreamAddAsyncCallback', (d, t) => d.streamAddAsyncCallback(t.stream, ignore)],
  createEvent: ['lynCreateEvent', (d) => d.createEvent()],
  destroyEvent: ['lynDestroyEvent', (d, t) => d.destroyEvent(t.event)],
  recordEvent: ['lynRecordEvent', (d, t) => d.recordEvent(t.stream, t.event)],
  streamWaitEvent: ['lynStreamWaitEvent', (d, t) => d.streamWaitEvent(t.stream, t.event)],
  synchronizeEvent: ['lynSynchronizeEvent', (d, t) => d.synchronizeEvent(t.event)],
  eventElapsedTime: ['lynEventElapsedTime', (d, t) => d.eventElapsedTime(t.event, t.event)],
  malloc: ['lynMalloc', (d) => d.malloc(1)],
  free: ['lynFree', (d, t) => d.free(t.a)],
  devPtr2PhysAddr: ['lynDevPtr2PhysAddr', (d, t) => d.devPtr2PhysAddr(t.a)],
  memcpy: ['lynMemcpy', (d, t) => d.memcpy(t.b, t.a, 8, serverToServer)],
  memcpyAsync: ['lynMemcpyAsync', (d, t) => d.memcpyAsync(t.stream, t.a, t.host, 8, clientToServer)],
  memset: ['lynMemset', (d, t) => d.memset(t.a, 0, 8)],
  memsetAsync: ['lynMemsetAsync', (d, t) => d.memsetAsync(t.stream, t.a, 0, 8)],
  memcpyEx: ['lynMemcpyEx', (d, t) => d.memcpyEx(t.a, t.host, 8, clientToServer)],
  memcpyAsyncEx: ['lynMemcpyAsyncEx', (d, t) => d.memcpyAsyncEx(t.stream, t.a, t.host, 8, clientToServer)],
  loadModel: ['lynLoadModel', (d) => d.loadModel(path)],
  unloadModel: ['lynUnloadModel', (d, t) => d.unloadModel(t.model)],
  modelGetDesc: ['lynModelGetDesc', (d, t) => d.modelGetDesc(t.model)],
  modelResetAsync: ['lynModelResetAsync', (d, t) => d.modelResetAsync(t.stream, t.model)],
  executeModelAsync: ['lynExecuteModelAsync', (d, t) => d.executeModelAsync(t.stream, t.model, t.a, t.b, 1)],
  modelSendInputAsync: [
    'lynModelSendInputAsync',
    (d, t) => d.modelSendInputAsync(t.stream, t.model, t.a, t.b, 1),
  ],
  modelRecvOutputAsync: ['lynModelRecvOutputAsync', (d, t) => d.modelRecvOutputAsync(t.stream, t.model)],
};

test.each(Object.values(CALLS))(
  '%s fails under its name, leaves things as they were, and goes on after',
  async (call, make) => {
    const clean = await openSimulator();
    const before = clean.calls.get(call) ?? 0;
    things(clean);
    const nth = (clean.calls.get(call) ?? 0) - before + 1;
    clean.close();

    const driver = await openSimulator({ faults: [{ call, nth }] });
    const made = things(driver);
    const left = driver.usage();
    const failed = await (async () => make(driver, made))().catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: 'DriverError', call });
    expect((failed as DriverError).message).toContain('injected fault');
    expect(driver.usage()).toEqual(left);
    driver.destroyContext(made.context);
    expect(Object.values(driver.usage()).every((count) => count === 0)).toBe(true);
    driver.close();
  },
);
