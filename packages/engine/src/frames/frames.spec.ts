import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { frames, FramesError } from './frames.js';

describe.each(['tensorflow', 'wasm', 'cpu'] as const)('frames on %s', (backend) => {
  beforeAll(() => startEngine({ backend }));

  it('widens every byte value to the same number', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
    const tensor = frames(bytes, [2, 8, 16]);
    expect(tensor.dtype).toBe('float32');
    expect(tensor.shape).toEqual([2, 8, 16]);
    expect([...tensor.dataSync()]).toEqual([...bytes]);
  });

  it('takes a view of shared memory, as the batch loader hands it out', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(16), 4, 6);
    shared.set([9, 8, 7, 6, 5, 4]);
    expect([...frames(shared, [2, 3]).dataSync()]).toEqual([9, 8, 7, 6, 5, 4]);
  });

  it('gives tensors that other ops and gradients accept, and leaks none', () => {
    const before = tf.memory().numTensors;
    const sum = tf.tidy(() => tf.sum(tf.mul(frames(new Uint8Array([1, 2, 3]), [3]), 2)).dataSync()[0]);
    expect(sum).toBe(12);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('accepts an empty batch', () => {
    expect(frames(new Uint8Array(0), [0, 4]).shape).toEqual([0, 4]);
  });
});

it('says when bytes and shape do not belong together', () => {
  expect(() => frames(new Uint8Array(5), [2, 3])).toThrow(FramesError);
  expect(() => frames(new Uint8Array(5), [2, 3])).toThrow(
    'shape [2, 3] holds 6 values, but 5 bytes were given',
  );
});
