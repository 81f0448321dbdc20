import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { doctor } from '../doctor/doctor.js';
import { EngineInstallError } from './errors.js';
import { installEngine, type InstallOptions } from './install.js';
import { MAIN_LIBRARY, libraryFolder } from './library.js';
import { DEVICES } from './device.js';
import { bindingPath, inspectPackage } from './record.js';
import { workshop } from './testing.js';

const NAME = '@tensorflow/tfjs-node';
const shop = workshop();
const environment = { ...process.env };
let count = 0;

beforeEach(() => {
  process.env['PATH'] = shop.path;
  shop.pipFails(undefined);
});
afterEach(() => {
  process.env['PATH'] = environment['PATH'];
  delete process.env['CXX'];
});
afterAll(() => rmSync(shop.root, { recursive: true, force: true }));

/** Options for a new checkout; a new cache unless one is given. */
function fresh(cacheDir = join(shop.root, `cache-${count++}`)) {
  const lines: string[] = [];
  const built: string[] = [];
  const options = {
    cacheDir,
    packageFolder: shop.checkout(`checkout-${count++}`),
    log: (line: string) => lines.push(line),
    buildOps: async ({ tensorflowDir }: { tensorflowDir: string }) => {
      built.push(tensorflowDir);
      const path = join(cacheDir, 'ops.node');
      writeFileSync(path, 'ops');
      return { path };
    },
  } satisfies InstallOptions;
  return { options, lines, built, library: libraryFolder(cacheDir, DEVICES.cpu) };
}

async function failure(work: Promise<unknown>): Promise<EngineInstallError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineInstallError);
  return error as EngineInstallError;
}

describe('installEngine', () => {
  it('fetches, unpacks, links, compiles and records; then the package is ready', async () => {
    const { options, lines, built, library } = fresh();
    expect(inspectPackage(NAME, options.packageFolder)).toEqual({
      state: 'missing',
      reason: expect.stringContaining('has not been completed'),
    });
    const result = await installEngine(options);
    expect(result).toMatchObject({
      device: 'cpu',
      changed: true,
      tensorflowDir: join(library, 'tensorflow'),
    });
    expect(built).toEqual([join(library, 'tensorflow')]);
    // Not in this process: the tiny library would stand in for the real one of the same name.
    const script = `console.log(require(${JSON.stringify(bindingPath(options.packageFolder))}).version)`;
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe('tiny\n');
    expect(existsSync(join(options.packageFolder, 'deps/include/tensorflow/c/c_api.h'))).toBe(true);
    expect(readdirSync(join(library, 'tensorflow')).sort()).toEqual([
      'include',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
    expect(inspectPackage(NAME, options.packageFolder).state).toBe('ready');
    for (const step of [
      'download TensorFlow',
      'unpack TensorFlow',
      'compile the TensorFlow binding',
      'load the TensorFlow binding',
    ]) {
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${step}.*\\d\\.\\d s`)));
    }
    expect(readdirSync(join(options.cacheDir, 'tmp'))).toEqual([]);
  });

  it('does nothing the second time, and says nothing', async () => {
    const { options, lines } = fresh();
    await installEngine(options);
    const told = lines.length;
    const downloads = shop.downloads();
    process.env['PATH'] = '/nowhere'; // neither python nor compiler are needed
    expect((await installEngine(options)).changed).toBe(false);
    expect(shop.downloads()).toBe(downloads);
    expect(lines).toHaveLength(told);
  });

  it('serves another checkout from the cache, without download or compiler', async () => {
    const first = fresh();
    await installEngine(first.options);
    const second = fresh(first.options.cacheDir);
    const downloads = shop.downloads();
    process.env['PATH'] = '/nowhere';
    expect((await installEngine(second.options)).changed).toBe(true);
    expect(shop.downloads()).toBe(downloads);
    expect(inspectPackage(NAME, second.options.packageFolder).state).toBe('ready');
  });

  it('lets two installers at once do the work once', async () => {
    const first = fresh();
    const second = fresh(first.options.cacheDir);
    const downloads = shop.downloads();
    await Promise.all([installEngine(first.options), installEngine(second.options)]);
    expect(shop.downloads()).toBe(downloads + 1);
    expect(inspectPackage(NAME, first.options.packageFolder).state).toBe('ready');
    expect(inspectPackage(NAME, second.options.packageFolder).state).toBe('ready');
  });

  it('sees a truncated library at the next start, and mends it', async () => {
    const { options, lines, library } = fresh();
    await installEngine(options);
    truncateSync(join(library, MAIN_LIBRARY), 100);
    expect(inspectPackage(NAME, options.packageFolder)).toEqual({
      state: 'damaged',
      reason: expect.stringContaining('has 100 bytes instead of'),
    });
    expect((await doctor({ ...options })).checks).toContainEqual(
      expect.objectContaining({
        name: 'TensorFlow (cpu)',
        ok: false,
        found: expect.stringContaining('damaged'),
        remedy: 'bidl engine install',
      }),
    );
    await installEngine(options);
    expect(lines).toContainEqual(expect.stringContaining('The cached TensorFlow is damaged'));
    expect(inspectPackage(NAME, options.packageFolder).state).toBe('ready');
  });

  it('has the doctor find changed content of the right size', async () => {
    const { options, library } = fresh();
    await installEngine(options);
    const path = join(library, MAIN_LIBRARY);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const found = (await doctor(options)).checks.find(({ name }) => name === 'TensorFlow (cpu)');
    expect(found).toMatchObject({
      ok: false,
      found: expect.stringContaining('has changed since it was installed'),
    });
    expect(found?.remedy).toBe(`rm -r ${library} && bidl engine install`);
  });

  it('builds the ops anew when they are damaged', async () => {
    const { options, built } = fresh();
    const { ops } = await installEngine(options);
    truncateSync(ops as string, 1);
    expect(inspectPackage(NAME, options.packageFolder).state).toBe('damaged');
    await installEngine(options);
    expect(built).toHaveLength(2);
    expect(inspectPackage(NAME, options.packageFolder).state).toBe('ready');
  });

  it('says when there is no compiler, and keeps the download for the next try', async () => {
    const { options } = fresh();
    process.env['CXX'] = 'no-such-compiler';
    const error = await failure(installEngine(options));
    expect(error.step).toBe('compile the TensorFlow binding');
    expect(error.message).toContain('no-such-compiler is not on PATH');
    expect(error.remedy).toContain('apt-get install g++');
    delete process.env['CXX'];
    const downloads = shop.downloads();
    await installEngine(options);
    expect(shop.downloads()).toBe(downloads);
  });

  it("gives the compiler's own words when it refuses", async () => {
    const { options } = fresh();
    writeFileSync(join(options.packageFolder, 'binding', 'binding.cc'), '#error this is not right');
    const error = await failure(installEngine(options));
    expect(error.step).toBe('compile the TensorFlow binding');
    expect(error.reason).toContain('this is not right');
  });

  it('says when there is no Python', async () => {
    const { options } = fresh();
    process.env['PATH'] = '/nowhere';
    const error = await failure(installEngine(options));
    expect(error.message).toContain('there is no python3 on PATH');
    expect(error.remedy).toContain('apt-get install python3 python3-pip');
  });

  it.each([
    ['ERROR: Failed to establish a new connection: [Errno -3]', 'check the network'],
    ['ERROR: Could not find a version that satisfies the requirement', 'does not offer this wheel'],
    ['OSError: [Errno 28] No space left on device', 'free some disk space'],
  ])('passes on what pip says: %s', async (stderr, remedy) => {
    const { options } = fresh();
    shop.pipFails(stderr);
    const error = await failure(installEngine(options));
    expect(error.step).toBe('download TensorFlow 2.21.0');
    expect(error.reason).toContain(stderr);
    expect(error.remedy).toContain(remedy);
    expect(readdirSync(join(options.cacheDir, 'tmp'))).toEqual([]);
  });

  it('refuses a damaged wheel and leaves no half library', async () => {
    const whole = readFileSync(shop.wheel);
    try {
      const { options, library } = fresh();
      writeFileSync(shop.wheel, whole.subarray(0, whole.length / 2));
      expect((await failure(installEngine(options))).message).toContain('not a complete zip archive');
      const flipped = Buffer.from(whole);
      flipped.fill(0xff, 200, 1200);
      writeFileSync(shop.wheel, flipped);
      expect((await failure(installEngine(options))).step).toBe('unpack TensorFlow');
      expect(existsSync(library)).toBe(false);
    } finally {
      writeFileSync(shop.wheel, whole);
    }
  });
});
