import type { TestSample } from '../samples.js';

/** A compiled network where it runs: whole samples in, logits out. */
export interface Target {
  /** Milliseconds of one step, frame in and output out: the median. */
  readonly latencyMs: number;
  /** Whether every output and state of every step was the reference executor's; null where that isn't its aim. */
  readonly equal: boolean | null;
  /** Logits of the samples, `[n][K]`, in their order. */
  run(samples: readonly TestSample[]): Promise<Float32Array[]>;
  /** Seconds spent in `run`, and the samples that went through, those that fill up a batch included. */
  readonly spent: { readonly seconds: number; readonly samples: number };
  dispose(): Promise<void>;
}

/** The middle of some numbers. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
