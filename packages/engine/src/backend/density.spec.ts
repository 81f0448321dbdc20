import * as tf from '@tensorflow/tfjs';
import { density } from './density.js';
import { startEngine } from './start.js';
import type { TensorFlowBackend } from './tensorflow-binding.js';

beforeAll(async () => {
  expect((await startEngine({ backend: 'tensorflow' })).fused).toBe(true);
});

/** Values of a map `[64, 16, 16, 64]` at (row, column, channel), and what is estimated of it. */
function estimate(value: (y: number, x: number, channel: number) => number) {
  const [images, side, channels] = [64, 16, 64];
  const map = Float32Array.from({ length: side * side * channels }, (_, i) =>
    value(Math.floor(i / channels / side), Math.floor(i / channels) % side, i % channels),
  );
  return tf.tidy(() => density(tf.backend() as TensorFlowBackend, tf.tile(tf.tensor(map), [images])));
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
  expect(estimate((y, x) => Number(x < 8) * (1 + (y % 2)))).toEqual({
    share: expect.closeTo(0.5, 1),
    spikes: 0,
  });
});

test('small tensors are counted', () => {
  tf.tidy(() => {
    const found = density(tf.backend() as TensorFlowBackend, tf.tensor([0, 1, 0, 0, 1, 1, 0, 0, 0, 0]));
    expect(found.share).toBeCloseTo(0.3, 6);
    expect(found.spikes).toBe(1);
  });
});
