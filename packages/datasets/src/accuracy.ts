import { DatasetError } from './errors.js';

/** Percentages by name, `accuracy_top-1` and so on. */
export type Accuracy = Readonly<Record<`accuracy_top-${number}`, number>>;

/**
 * How often the right class is among the k best. Equal scores rank by class number; a score that is no number
 * is never right.
 *
 * @param logits [N, classes]
 * @param labels [N]
 * @throws DatasetError when their lengths differ, or a label is no class
 */
export function topK(
  logits: readonly ArrayLike<number>[],
  labels: ArrayLike<number>,
  ks: readonly number[],
): Accuracy {
  if (logits.length !== labels.length) {
    throw new DatasetError(`there are ${logits.length} results for ${labels.length} labels`);
  }
  const right = ks.map(() => 0);
  logits.forEach((row, i) => {
    const rank = rankOf(row, labels[i] ?? -1, i);
    ks.forEach((k, j) => {
      if (rank < k) right[j] = (right[j] ?? 0) + 1;
    });
  });
  return Object.fromEntries(
    ks.map((k, j) => [
      `accuracy_top-${k}`,
      logits.length === 0 ? 0 : (100 * (right[j] ?? 0)) / logits.length,
    ]),
  );
}

/** How many classes come before the right one. */
function rankOf(row: ArrayLike<number>, label: number, sample: number): number {
  const score = row[label];
  if (score === undefined) {
    throw new DatasetError(`sample ${sample} has label ${label}, but the results have ${row.length} classes`);
  }
  if (Number.isNaN(score)) return Infinity;
  let rank = 0;
  for (let c = 0; c < row.length; c++) {
    const other = row[c] ?? NaN;
    if (other > score || (other === score && c < label)) rank++;
  }
  return rank;
}
