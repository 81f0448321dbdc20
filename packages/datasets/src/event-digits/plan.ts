import { apportion, drawStratified } from '../stratify.js';

/** The folders of the data set. */
export const SPLITS = ['Train', 'Val', 'Test'] as const;
export type Split = (typeof SPLITS)[number];

/** Parts of ten that each split gets: 7,000, 1,000 and 2,000 of the 10,000 digits. */
const PARTS = [7, 1, 2] as const;

/** One digit to record: which picture, and where its events go. */
export interface Assignment {
  /** Global number of the picture. */
  readonly picture: number;
  readonly split: Split;
  readonly label: number;
}

/** Where the events of a digit go, under the data set's folder: `Train/3/03456.bin`. */
export function pathOf({ picture, split, label }: Assignment): string {
  return `${split}/${label}/${String(picture + 1).padStart(5, '0')}.bin`;
}

/**
 * Which digit goes where: the same share of every class in each split, drawn by the seed.
 *
 * @param byClass global numbers of the pictures of each class
 * @param limit use only so many of the digits (again the same share of every class)
 */
export function planSplits(
  byClass: readonly (readonly number[])[],
  seed: number,
  limit?: number,
): Assignment[] {
  const available = byClass.reduce((sum, samples) => sum + samples.length, 0);
  const total = Math.min(limit ?? available, available);
  const used = total === available ? byClass : drawStratified(byClass, total, seed).drawn;
  const [, val = 0, test = 0] = apportion(PARTS, total);
  const held = drawStratified(used, test, seed + 1);
  const tried = drawStratified(held.rest, val, seed + 2);
  const parts = { Train: tried.rest, Val: tried.drawn, Test: held.drawn };
  return SPLITS.flatMap((split) =>
    parts[split].flatMap((pictures, label) => pictures.map((picture) => ({ picture, split, label }))),
  );
}
