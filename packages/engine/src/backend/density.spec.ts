import * as tf from '@tensorflow/tfjs';
import { type Density, density } from './density.js';
import { startEngine } from './start.js';
import { isTensorFlowBackend } from './tensorflow-binding.js';

beforeAll(async () => {
  expect((await startEngine({ backend: 'tensorflow' })).fused).toBe(true);
});

/** What is estimated of a tensor, which is disposed of. */
function found(x: tf.Tensor): Density {
  const backend: unknown = tf.backend();
  if (!isTensorFlowBackend(backend)) throw new Error('this spec needs the TensorFlow backend');
  const result = density(backend, x);
  x.dispose();
  return result;
}

/** What is estimated of images `[64, 16, 16, 64]`, all alike, with these values at (row, column, channel). */
function estimate(value: (y: number, x: number, channel: number) => number): Density {
  const [images, side, channels] = [64, 16, 64];
  const map = Float32Array.from({ length: side * side * channels }, (_, i) =>
    value(Math.floor(i / channels / side), Math.floor(i / channels) % side, i % channels),
  );
  return found(tf.tidy(() => tf.tile(tf.tensor(map), [images])));
}

test.each<[string, (y: number, x: number, channel: number) => number]>([
  ['channels', (_y, _x, channel) => Number(channel >= 48)],
  ['columns', (_y, x) => Number(x % 4 === 3)],
  ['rows', (y) => Number(y >= 12)],
])('a map whose density differs by %s is not taken for what its first ones hold', (_, value) => {
  const { share, spikes } = estimate(value);
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.3);
  expect(spikes).toBe(1);
});

test('values other than 0 and 1 are told from spikes', () => {
  const { share, spikes } = estimate((y, x) => Number(x < 8) * (1 + (y % 2)));
  expect(share).toBeCloseTo(0.5, 1);
  expect(spikes).toBe(0);
});

test('small tensors are counted', () => {
  const { share, spikes } = found(tf.tensor([0, 1, 0, 0, 1, 1, 0, 0, 0, 0]));
  expect(share).toBeCloseTo(0.3, 6);
  expect(spikes).toBe(1);
});
