import type { NdArray } from '@bidl/formats';

/** A batch of samples in memory that the loader reuses: after `release()` it may be overwritten. */
export interface Batch {
  /** [B, T, ...], bytes or floats. */
  readonly img: NdArray;
  /** [B] */
  readonly gt_label: Int32Array;
  release(): void;
}

/** Where batches come from; `createLoader` of @bidl/datasets gives one. */
export interface Loader {
  /** Samples per epoch. */
  readonly length: number;
  /** Batches per epoch. */
  readonly batches: number;
  /** The batches of epoch `n`, the same ones whenever that epoch is asked for again. */
  epoch(n: number): AsyncIterable<Batch>;
}
