import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workshop } from '../install/testing.js';
import { doctor, formatReport, type Check } from './doctor.js';

const empty = mkdtempSync(join(tmpdir(), 'bidl-doctor-'));
const shop = workshop();
const environment = { ...process.env };
afterEach(() => Object.assign(process.env, { PATH: environment['PATH'] }));
afterAll(() => [empty, shop.root].forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const find = (checks: readonly Check[], name: string) => checks.find((check) => check.name === name);

describe('doctor', () => {
  it('names what is missing on a machine with nothing, with a remedy for each', async () => {
    process.env['PATH'] = '/nowhere';
    const report = await doctor({ cacheDir: empty, packageFolder: shop.checkout('bare') });
    expect(report).toMatchObject({ ok: false, backend: 'wasm' });
    for (const name of [
      'python3',
      'pip',
      'C++ compiler',
      'TensorFlow (cpu)',
      'binding',
      'spike ops',
      'backend',
    ]) {
      expect(find(report.checks, name)).toMatchObject({ name, ok: false, remedy: expect.any(String) });
    }
    expect(find(report.checks, 'C++ compiler')?.remedy).toContain('apt-get install g++');
    expect(find(report.checks, 'backend')?.found).toContain('startEngine() uses wasm; TensorFlow is missing');
    expect(find(report.checks, 'Node.js')).toMatchObject({ ok: true, found: process.versions.node });
  });

  it('names the command for a GPU', async () => {
    const report = await doctor({ device: 'gpu', cacheDir: empty, packageFolder: shop.checkout('bare-gpu') });
    expect(find(report.checks, 'TensorFlow (gpu)')?.remedy).toBe('bidl engine install --device gpu');
  });
});

describe('formatReport', () => {
  it('gives one line per check, and the remedy under what is missing', () => {
    const checks = [
      { name: 'pip', ok: true, found: 'pip 25' },
      { name: 'compiler', ok: false, found: 'not found', remedy: 'install g++' },
    ];
    expect(formatReport({ checks, ok: false }).split('\n')).toEqual([
      'ok       pip       pip 25',
      'MISSING  compiler  not found',
      '                   -> install g++',
      'Something is missing: see the arrows.',
    ]);
    expect(formatReport({ checks: checks.slice(0, 1), ok: true })).toContain('Everything is in place.');
  });
});
