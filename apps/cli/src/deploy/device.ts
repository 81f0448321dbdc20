import type { TestSample } from './samples.js';

/** What a compiled network runs on, whole samples at a time. */
export interface Device {
  /** Samples that run together. */
  readonly batch: number;
  /** Logits of the samples, `[n][K]`, in their order. */
  run(samples: readonly TestSample[]): Promise<Float32Array[]>;
  /** Seconds spent in `run`, and the samples that went through. */
  readonly spent: { readonly seconds: number; readonly samples: number };
  dispose(): Promise<void>;
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
