import { type DatasetFacts } from './fill.js';
import { type SlotPlan } from './slot.js';

/** One batch to prepare. The samples' numbers stand in the slot's own `index` array. */
export interface FillTask {
  /** Which slot. */
  readonly slot: number;
  /** How many of its places are used. */
  readonly count: number;
  readonly epoch: number;
}

/** Whoever prepares batches: this thread, or worker threads. */
export interface Source {
  readonly facts: DatasetFacts;
  /** Whether batches are prepared while the caller does something else. */
  readonly ahead: boolean;
  /** Hands over the memory of the slots, before the first task. */
  share(slots: readonly SharedArrayBuffer[], plan: SlotPlan): void;
  /** Fills a slot. Rejects with the error of a sample, or when a worker has died. */
  fill(task: FillTask): Promise<void>;
  /** Makes tasks that aren't done end soon; their promises still settle. */
  cancel(): void;
  /** Whether waiting workers keep the process alive. */
  hold(alive: boolean): void;
  close(): Promise<void>;
}
