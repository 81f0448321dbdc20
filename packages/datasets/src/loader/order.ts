import { permutation, rngFor } from '@bidl/pipelines';

/** The order of an epoch's samples: shuffled by seed and epoch, or 0, 1, 2 ... */
export function epochOrder(length: number, seed: number, epoch: number, shuffle: boolean): Int32Array {
  return shuffle
    ? permutation(length, rngFor(seed, 'order', epoch))
    : Int32Array.from({ length }, (_, i) => i);
}

/** Number of batches in an epoch. */
export function batchCount(length: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
}
