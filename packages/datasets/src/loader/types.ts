import { type NdArray } from '@bidl/formats';

import { type DatasetConfig } from '../registry.js';

export interface LoaderOptions {
  /** The data set as its config describes it (plain data: each worker builds its own). */
  readonly dataset: DatasetConfig;
  /** Samples per batch. */
  readonly batchSize: number;
  /** Worker threads; 0 (default) prepares each batch in this thread when it is asked for. */
  readonly workers?: number;
  /** A new order every epoch; otherwise the data set's own. */
  readonly shuffle?: boolean;
  /** Of the order and of everything random in the pipeline. Default 0. */
  readonly seed?: number;
  /** Leaves out a last batch that isn't full. */
  readonly dropLast?: boolean;
  /** Batches that are prepared ahead. Default: two per worker. */
  readonly prefetch?: number;
  /** Modules (absolute paths, TypeScript too) that register the user's own data sets and ops. */
  readonly imports?: readonly string[];
  /** Where the data set stands in its config, for error messages. */
  readonly place?: string;
}

/** One batch, in shared memory that is used again: call `release()` when done with it. */
export interface Batch {
  /** [B, T, H, W, C] (or [B, T, F]); bytes stay bytes, everything else is float32. */
  readonly img: NdArray<Uint8Array | Float32Array>;
  /** Class numbers [B], -1 for samples without one. */
  readonly gt_label: Int32Array;
  /** Numbers of the samples in the data set [B]. */
  readonly index: Int32Array;
  /**
   * Gives the memory back; the arrays must not be read afterwards. A second call does nothing. Mind that
   * `tf.tensor` reads its values when they are first needed, not when it is called.
   */
  release(): void;
}

export interface Loader {
  /** Number of samples in the data set. */
  readonly length: number;
  /** Number of batches in an epoch. */
  readonly batches: number;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Shape of one sample, [T, H, W, C]. */
  readonly sampleShape: readonly number[];
  /**
   * The batches of epoch `n`, in an order that depends on the seed and on `n` only. One epoch at a time;
   * leaving the loop early is fine. The next epoch takes back the memory of all batches of the one before.
   *
   * @throws the error of a sample, under its own name, with `index` and `file`; LoaderError for a dead worker
   */
  epoch(n: number): AsyncIterable<Batch>;
  /** Ends the workers. An epoch that is under way ends with a LoaderError. */
  close(): Promise<void>;
}
