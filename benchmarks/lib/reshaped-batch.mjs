import { ndarray, saveFile, writeNpz } from '@bidl/formats';
import { storedBatch } from './network-cases.mjs';
import { scratchFile } from './scratch.mjs';

/**
 * The stored batch with so many samples and time steps (as many as it has, then from its beginning again), its frames
 * enlarged by repeating pixels.
 *
 * @returns the file: bytes [samples, steps, side, side, 2] and labels
 */
export async function reshapedBatch({ batch = 16, steps = 20, side = 40 }) {
  const { img, labels } = storedBatch();
  const [samples, length, height, width, channels] = img.shape;
  const data = new Uint8Array(batch * steps * side * side * channels);
  let to = 0;
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < steps; t++) {
      const frame = (b % samples) * length + (t % length);
      for (let y = 0; y < side; y++) {
        const row = frame * height + Math.floor((y * height) / side);
        for (let x = 0; x < side; x++, to += channels) {
          const from = (row * width + Math.floor((x * width) / side)) * channels;
          data.set(img.data.subarray(from, from + channels), to);
        }
      }
    }
  }
  const classes = Int32Array.from({ length: batch }, (_, b) => labels.data[b % samples]);
  const file = scratchFile(`batch-${batch}-${steps}-${side}.npz`);
  const arrays = {
    img: ndarray(data, [batch, steps, side, side, channels]),
    labels: ndarray(classes, [batch]),
  };
  await saveFile(file, writeNpz(arrays, {}));
  return file;
}
