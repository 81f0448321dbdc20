import type { Batch, Loader } from '@bidl/datasets';
import { ndarray, type NdArray } from '@bidl/formats';
import { toHalfBits, type ElementType, type InputNumbers, type Sample } from '@bidl/graph';

import { DeployError } from './errors.js';

/** One sample out of a batch, its own copy: `[T, ...]`. */
export interface TestSample {
  readonly img: Float32Array | Uint8Array;
  /** Class number, -1 where there is none. */
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

/** The first samples of a loader. */
export async function firstSamples(loader: Loader, count: number): Promise<TestSample[]> {
  const samples: TestSample[] = [];
  for await (const batch of loader.epoch(0)) {
    samples.push(...samplesOf(batch));
    batch.release();
    if (samples.length >= count) break;
  }
  return samples.slice(0, count);
}

/** Groups of the batch's size, the last filled up with its own last sample. */
export function groupsOf<T>(samples: readonly T[], batch: number): T[][] {
  const groups: T[][] = [];
  for (let i = 0; i < samples.length; i += batch) {
    const group = samples.slice(i, i + batch);
    const last = group.at(-1);
    while (last !== undefined && group.length < batch) group.push(last);
    groups.push(group);
  }
  return groups;
}

const isWholeByte = (v: number): boolean => Number.isInteger(v) && v >= 0 && v <= 255;

/** How frames are best handed in: as bytes, if they are whole numbers up to 255 (event counts), else as floats. */
export const fittingType = (samples: readonly TestSample[]): ElementType =>
  samples.every(({ img }) => img.every(isWholeByte)) ? 'uint8' : 'float32';

/**
 * A sample's numbers in the type that the network was compiled for. float16 goes in as float32: the device rounds.
 *
 * @throws DeployError for numbers that bytes can't hold.
 */
export function inType({ img }: TestSample, type: ElementType): Float32Array | Uint8Array {
  if (type !== 'uint8') return isBytes(img) ? Float32Array.from(img) : img;
  if (isBytes(img)) return img;
  const odd = img.find((v) => !isWholeByte(v));
  if (odd === undefined) return Uint8Array.from(img);
  throw new DeployError(
    `a sample holds ${odd}, which no byte can: compile with --input-type float32 (or float16)`,
  );
}

const isBytes = (data: ArrayBufferView): data is Uint8Array =>
  Object.prototype.toString.call(data) === '[object Uint8Array]';

/** A sample step by step, as an artifact's own check takes it: halves as bits. */
export function bySteps(sample: TestSample, type: ElementType, timesteps: number): Sample {
  const given = inType(sample, type);
  const data = type === 'float16' ? toHalfBits(given) : given;
  const size = data.length / timesteps;
  return Array.from({ length: timesteps }, (_, t) => [data.slice(t * size, (t + 1) * size)]);
}

/** Arrays of one kind, one after the other. */
export function joined<T extends InputNumbers>(parts: readonly T[]): T {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = first ? new (first.constructor as new (n: number) => T)(length) : (new Float32Array(0) as T);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Samples that run together as a device takes them: `[n, T, ...shape]`. */
export const together = (
  group: readonly TestSample[],
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: ElementType },
  timesteps: number,
): NdArray =>
  ndarray(joined(group.map((sample) => inType(sample, dtype))), [group.length, timesteps, ...shape]);
