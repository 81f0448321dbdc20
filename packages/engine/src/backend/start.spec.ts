import * as tf from '@tensorflow/tfjs';
import { inspectPackage } from '../install/record.js';
import { cpuFeatures } from './cpu-features.js';
import { engineInfo } from './info.js';
import { startEngine } from './start.js';
import { preloadAll } from './tensorflow.js';

jest.mock('../install/record.js', () => ({
  ...jest.requireActual<object>('../install/record.js'),
  inspectPackage: jest.fn(),
}));
const inspect = jest.mocked(inspectPackage);
const real = jest.requireActual<{ inspectPackage: typeof inspectPackage }>(
  '../install/record.js',
).inspectPackage;

describe('before the start', () => {
  it('engineInfo says what to call', () => {
    expect(() => engineInfo()).toThrow('Call `await startEngine()` first');
  });
});

describe.each([
  ['missing', 'the npm package @tensorflow/tfjs-node is not installed'],
  ['damaged', 'libtensorflow_cc.so.2 has 100 bytes instead of 788086608'],
] as const)('with TensorFlow %s', (state, reason) => {
  beforeEach(() => inspect.mockReturnValue({ state, reason }));

  it('falls back to wasm with one warning that names the reason and the remedy, and computes', async () => {
    await tf.setBackend('cpu');
    const warnings: string[] = [];
    const info = await startEngine({ warn: (line) => warnings.push(line) });
    await startEngine({ warn: (line) => warnings.push(line) });
    expect(info).toMatchObject({ backend: 'wasm', device: 'cpu', threads: 1, fused: false });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`is ${state}: ${reason}`);
    expect(warnings[0]).toContain('WebAssembly');
    expect(warnings[0]).toContain('bidl engine install');
    expect(tf.matMul([[2]], [[3]]).dataSync()[0]).toBe(6);
  });

  it('refuses to start TensorFlow by name', async () => {
    await expect(startEngine({ backend: 'tensorflow' })).rejects.toThrow(
      `${reason}. To mend it: bidl engine install`,
    );
    await expect(startEngine({ backend: 'tensorflow', device: 'gpu' })).rejects.toThrow(
      'bidl engine install --device gpu',
    );
  });
});

describe('with TensorFlow', () => {
  beforeEach(() => inspect.mockImplementation(real));

  it('starts it when nothing else is said, again and again', async () => {
    const warnings: string[] = [];
    await startEngine({ backend: 'cpu' });
    const info = await startEngine({ backend: 'tensorflow', warn: (line) => warnings.push(line) });
    expect(info).toMatchObject({ backend: 'tensorflow', device: 'cpu' });
    expect(info.version).toMatch(/^\d+\.\d+/);
    expect(info.threads).toBeGreaterThan(0);
    await expect(startEngine()).resolves.toEqual(info);
    expect(engineInfo()).toEqual(info);
    expect(tf.getBackend()).toBe('tensorflow');
  });

  it('moves between backends when asked', async () => {
    expect((await startEngine({ backend: 'wasm' })).backend).toBe('wasm');
    expect((await startEngine({ backend: 'cpu' })).backend).toBe('cpu');
    expect((await startEngine({ backend: 'tensorflow' })).backend).toBe('tensorflow');
  });

  it('refuses a number of threads that is none', async () => {
    await expect(startEngine({ threads: 0 })).rejects.toThrow('threads must be a positive whole number');
  });
});

it('loads libraries that need each other in whatever order they come', () => {
  const needs: Record<string, string[]> = { a: ['b'], b: ['c'], c: [], d: ['nothing'] };
  const loaded = new Set<string>();
  const preload = (path: string) => {
    if (!(needs[path] as string[]).every((needed) => loaded.has(needed)))
      return 'cannot open shared object file';
    loaded.add(path);
    return '';
  };
  expect(preloadAll({ preload }, ['a', 'd', 'b', 'c'])).toEqual(['d']);
  expect([...loaded].sort()).toEqual(['a', 'b', 'c']);
});

it('reads the features of a processor as Linux tells them', () => {
  expect(cpuFeatures('processor : 0\nflags\t\t: fpu sse4_2 avx2 avx fma\n')).toEqual([
    'sse4_2',
    'avx',
    'avx2',
    'fma',
  ]);
  expect(cpuFeatures('')).toEqual([]);
});
