import { type DatasetConfig } from '../registry.js';
import { type DatasetFacts } from './fill.js';
import { type PackedError } from './sample-error.js';
import { type SlotPlan } from './slot.js';
import { type FillTask } from './source.js';

/** What a worker is born with. */
export interface WorkerSetup {
  readonly dataset: DatasetConfig;
  readonly imports: readonly string[];
  readonly seed: number;
  readonly place?: string;
  /** One shared number: tasks of an older generation are cancelled. */
  readonly generation: Int32Array;
  /** Whether this worker makes the first sample and says what it looks like. */
  readonly probes: boolean;
}

/** From the main thread. */
export type Order =
  | { readonly kind: 'slots'; readonly memories: readonly SharedArrayBuffer[]; readonly plan: SlotPlan }
  | ({ readonly kind: 'fill'; readonly task: number; readonly generation: number } & FillTask);

/** From a worker. */
export type Report =
  | { readonly kind: 'ready'; readonly facts?: DatasetFacts }
  | { readonly kind: 'failed'; readonly error: PackedError }
  | { readonly kind: 'filled'; readonly task: number; readonly error?: PackedError };
