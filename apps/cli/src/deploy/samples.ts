import type { Batch } from '@bidl/datasets';
import type { ElementType, Sample as GraphSample } from '@bidl/graph';

import { UsageError } from '../failure.js';

/** One sample out of a batch, its own copy: `[T, ...]`. */
export interface TestSample {
  readonly img: Float32Array | Uint8Array;
  readonly label: number;
}

/** The samples of a batch, copied out of the loader's memory. */
export function samplesOf({ img, gt_label }: Batch): TestSample[] {
  const [n = 0] = img.shape;
  const size = img.data.length / Math.max(1, n);
  return Array.from({ length: n }, (_, i) => ({
    img: img.data.slice(i * size, (i + 1) * size),
    label: gt_label[i] ?? -1,
  }));
}

const isWholeByte = (v: number): boolean => Number.isInteger(v) && v >= 0 && v <= 255;

/** How frames are best handed in: as bytes, if they are whole numbers up to 255 (event counts), else as floats. */
export const fittingType = ({ img }: TestSample): ElementType =>
  img.every(isWholeByte) ? 'uint8' : 'float32';

/**
 * A sample's numbers in the type that the network was compiled for. float16 goes in as float32: the device rounds.
 *
 * @throws UsageError for numbers that bytes can't hold.
 */
export function inType({ img }: TestSample, type: ElementType): Float32Array | Uint8Array {
  if (type !== 'uint8') return ArrayBuffer.isView(img) && isBytes(img) ? Float32Array.from(img) : img;
  if (isBytes(img)) return img;
  const odd = img.find((v) => !isWholeByte(v));
  if (odd === undefined) return Uint8Array.from(img);
  throw new UsageError(
    `a sample holds ${odd}, which no byte can: compile with --input-type float32 (or float16)`,
  );
}

const isBytes = (data: ArrayBufferView): data is Uint8Array =>
  Object.prototype.toString.call(data) === '[object Uint8Array]';

/** A sample step by step, as an artifact's own check takes it. */
export function bySteps(
  sample: TestSample,
  type: ElementType,
  timesteps: number,
  toHalf: (values: ArrayLike<number>) => Uint16Array,
): GraphSample {
  const given = inType(sample, type);
  const data = type === 'float16' ? toHalf(given) : given;
  const size = data.length / timesteps;
  return Array.from({ length: timesteps }, (_, t) => [data.slice(t * size, (t + 1) * size)]);
}
