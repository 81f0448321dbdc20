import { readFileSync, writeFileSync } from 'node:fs';
import { canonicalJson, readArtifact, sha256 } from '@bidl/graph';
import { openSimulator, type Simulator } from '../simulator/simulator.js';
import { compileTo, spikingNetwork, temporaryFolder } from '../testing/artifacts.js';
import { soak } from './soak.js';

const folder = temporaryFolder();
let driver: Simulator;
beforeEach(async () => {
  driver = await openSimulator();
}, 120_000);
afterEach(() => {
  expect(Object.values(driver.usage()).every((count) => count === 0)).toBe(true);
  driver.close();
});
afterAll(() => folder.remove());

test.each([1, 4])(
  '10,000 steps in batches of %i: every output right, memory flat, nothing left',
  async (batch) => {
    const path = await compileTo(folder.path, spikingNetwork(), batch);
    await soak(path, { driver, steps: 2000 }); // V8's own heap settles
    const heard: number[] = [];
    const report = await soak(path, { driver, steps: 10_000, onTenth: ({ steps }) => heard.push(steps) });
    expect(report).toMatchObject({ steps: 10_000, wrong: 0 });
    expect(heard).toEqual(Array.from({ length: 10 }, (_, i) => 1000 * (i + 1)));
    expect(report.growth).toBeLessThan(24 * 2 ** 20);
  },
);

test('an output that is not the expected one is counted', async () => {
  const path = await compileTo(folder.path, spikingNetwork(3));
  const { dir, manifest } = readArtifact(path);
  // Another expectation, soundly sealed.
  const file = 'Net_0/apu_0/data/100/output.dat';
  const bytes = readFileSync(`${dir}/${file}`);
  bytes[0] ^= 1;
  writeFileSync(`${dir}/${file}`, bytes);
  const files = { ...manifest.files, [file]: { bytes: bytes.length, sha256: sha256(bytes) } };
  const about: Partial<typeof manifest> = { ...manifest, files, hash: undefined };
  writeFileSync(`${dir}/net_params.json`, canonicalJson({ ...about, hash: sha256(canonicalJson(about)) }));
  const report = await soak(path, { driver, steps: 40 });
  expect(report).toMatchObject({ steps: 40, wrong: 10 });
});
