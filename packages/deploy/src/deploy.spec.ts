import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tf } from '@bidl/engine';
import { ndarray, readSafetensors, writeNpy, writeSafetensors } from '@bidl/formats';
import { readArtifact } from '@bidl/graph';
import { train } from '@bidl/runner';
import { openSimulator, type Simulator } from '@bidl/sdk-runtime';

import { compile } from './compile.js';
import { deploy, type DeployOptions } from './deploy.js';
import { predict } from './predict.js';
import { barsConfig } from './testing/bars.js';

let folder: string;
let checkpoint: string;
let driver: Simulator;
const config = barsConfig();
const here = (...names: string[]) => path.join(folder, ...names);
/** Deploys on the spec's own devices. */
const run = (options: Partial<DeployOptions> = {}, on = config) =>
  deploy(on, { checkpoint, driver, out: here('artifact'), ...options });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-deploy-'));
  ({ latest: checkpoint } = await train(config, { workDir: here('run'), seed: 3 }));
}, 120_000);
beforeEach(async () => {
  driver = await openSimulator();
});
afterEach(() => {
  expect(Object.values(driver.usage()).every((count) => count === 0)).toBe(true);
  driver.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EQUAL = { samples: 30, predictions_differ: 0, host_flips_unexplained: 0 };

describe('deploy', () => {
  it('compiles, runs the test set on devices, and proves it equal; no tensor is left', async () => {
    const before = tf.memory().numTensors;
    const result = await run();
    expect(tf.memory().numTensors).toBe(before);
    expect(result).toMatchObject({
      ...EQUAL,
      config: 'run',
      checkpoint,
      target: 'apu',
      artifact: here('artifact'),
      batch: 1,
      input_type: 'uint8',
      storage: 'float32',
      simulator_equal: true,
      profile: null,
    });
    expect(result.host_flip_rate).toBeLessThan(1e-5);
    expect(result.max_abs_diff).toBeLessThan(1e-3);
    for (const measured of [result.fps, result.latency_ms]) expect(measured).toBeGreaterThan(0);
    expect(readdirSync(folder).sort()).toEqual(['artifact', 'run']);
  });

  it.each([1, 2, 4, 7, 14, 28])('in batches of %i', async (batch) => {
    expect(await run({ batch })).toMatchObject({ ...EQUAL, batch, simulator_equal: true });
    const { manifest, stateArea } = readArtifact(here('artifact'));
    expect(manifest).toMatchObject({ batch, target: { options: { version: batch > 1 ? 1 : 0 } } });
    expect(stateArea.memory).toBe(batch > 1 ? 'glb' : 'ddr');
  });

  it('in half precision, which is not held to the host', async () => {
    expect(await run({ storage: 'float16', inputType: 'float16' })).toMatchObject({
      simulator_equal: true,
      host_flip_rate: null,
      storage: 'float16',
      input_type: 'float16',
    });
  });

  it('says when another version of the model format is taken than asked for', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    await run({ version: 0, mode: 'glb', compileOnly: true, log });
    expect(lines).toContain(
      'a batch above 1 and states in GLB need version 1 of the model format: --v 1 is taken',
    );
    lines.length = 0;
    await run({ mode: 'glb', compileOnly: true, log });
    expect(lines.join()).not.toContain('--v 1');
  });

  it('writes a profile beside the artifact', async () => {
    let heard: unknown;
    const { profile } = await run({ profiler: true, batch: 4, onProfile: (found) => (heard = found) });
    expect(profile).toBe(here('artifact.profile.json'));
    const written = JSON.parse(readFileSync(here('artifact.profile.json'), 'utf8')) as {
      operations: object[];
    };
    expect(written).toEqual(heard);
    expect(written).toMatchObject({ batch: 4, samples: 5, steps: 15 });
    expect(written.operations[0]).toMatchObject({
      layer: 'clif1',
      op: 'conv2d',
      share: expect.any(Number) as number,
    });
    expect(readArtifact(here('artifact')).batch).toBe(4); // and nothing foreign in it
    rmSync(here('artifact.profile.json'));
  });

  it('takes the artifact that is there, if it is of this config, checkpoint, version and these options', async () => {
    await run({ compileOnly: true, multinet: true });
    const legacy = (options: Partial<DeployOptions> = {}, on = config) =>
      run({ useLegacy: true, compileOnly: true, ...options }, on);
    expect(await legacy({ multinet: true, compileOnly: false })).toMatchObject({
      ...EQUAL,
      simulator_equal: true,
    });
    expect(await legacy()).toMatchObject({ samples: 0, top1: null, input_type: 'uint8', storage: 'float32' });
    const wrong = (options: Partial<DeployOptions>, message: string | RegExp, on = config) =>
      expect(legacy(options, on)).rejects.toThrow(message);
    await wrong({}, 'was compiled from another config', barsConfig({ cmode: 'spike' }));
    await wrong({ multinet: false }, 'was compiled for multinet true, not false');
    await wrong({ mode: 'glb' }, 'was compiled for mode auto, not glb');
    await wrong({ version: 1 }, 'was compiled for version 0, not 1');
    await wrong({ storage: 'float16' }, 'was compiled for storage float32, not float16');
    await wrong({ inputType: 'float32' }, 'was compiled for inputType uint8, not float32');
    await wrong({ batch: 4 }, 'was compiled for batch 1, not 4');
    await wrong({ out: here('nothing') }, 'there is no such artifact');

    const { tensors, metadata } = readSafetensors(readFileSync(checkpoint));
    tensors.get('model/clif1/bias')!.data[0] = 7;
    writeFileSync(here('other.safetensors'), writeSafetensors(tensors, metadata));
    await wrong({ checkpoint: here('other.safetensors') }, 'was compiled from another checkpoint');
    rmSync(here('other.safetensors'));

    const manifest = here('artifact/net_params.json');
    const text = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, text.replace('"version": 2', '"version": 1'));
    await wrong({}, /has format version 1, this library reads version 2; compile it again/);
    writeFileSync(manifest, text);
  });

  it('refuses a batch that the chip does not have, and a device that is not there', async () => {
    await expect(run({ batch: 3 })).rejects.toThrow('rule batch-size); choose one of 1, 2, 4, 7, 14, 28');
    await expect(run({ device: 7 })).rejects.toThrow('device 7: there is only device 0');
  });

  it('stops when told to; the artifact is whole, nothing is left on the device', async () => {
    const stop = new AbortController();
    const stopped = run({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(() => readArtifact(here('artifact'))).not.toThrow();
    await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(folder).sort()).toEqual(['artifact', 'run']);
  });
});

it('compile gives the same bytes in another folder', async () => {
  const contents = (root: string) =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(root, file), readFileSync(file).toString('base64')])
      .sort();
  const { folder: one } = await compile(config, { checkpoint, out: here('one') });
  const { folder: two, placement } = await compile(config, { checkpoint, out: here('other/two') });
  expect(placement).toMatchObject({ memory: 'ddr', relocatable: false });
  expect(contents(one)).toHaveLength(25);
  expect(contents(two)).toEqual(contents(one));
});

describe('predict', () => {
  const recording = (name: string, label: number, steps = 3) => {
    const data = Uint8Array.from({ length: steps * 128 }, (_, i) => {
      const [x, y] = [Math.floor(i / 2) % 8, Math.floor(i / 16) % 8];
      return (label === 0 ? y : x) === 3 ? 2 : 0;
    });
    writeFileSync(here(name), writeNpy(ndarray(data, [steps, 8, 8, 2])));
    return here(name);
  };

  it('says the same on host and device, and leaves nothing', async () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = folder; // where others don't come and go
    const files = [recording('a.npy', 0), recording('b.npy', 1)];
    const host = await predict(config, files, { checkpoint });
    const device = await predict(config, files, { checkpoint, on: 'device', driver });
    expect(host.map(({ file }) => file)).toEqual(files);
    host.forEach((found, i) => {
      expect(device[i]).toMatchObject({ class: found.class, name: found.name, second: found.second });
      expect(device[i].confidence).toBeCloseTo(found.confidence, 4);
      expect(found.confidence).toBeGreaterThanOrEqual(0.5);
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('bidl-predict-'))).toEqual([]);
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });

  it('names what does not fit', async () => {
    const files = [recording('a.npy', 0), recording('long.npy', 0, 5)];
    await expect(predict(config, files, { checkpoint })).rejects.toThrow(
      `${here('long.npy')} gives [5, 8, 8, 2], the first one [3, 8, 8, 2]`,
    );
    await expect(predict(config, [here('no.npy')], { checkpoint })).rejects.toThrow('no.npy');
  });
});
