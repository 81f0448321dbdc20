import type { EpochRecord, EpochScore } from './checkpoint/meta.js';

/** What a run is about to do. */
export interface RunStart {
  readonly config: string;
  readonly workDir: string;
  readonly maxEpochs: number;
  /** Epochs already done (resumed runs). */
  readonly startEpoch: number;
  readonly batches: number;
  readonly trainSamples: number;
  readonly validationSamples: number;
  readonly parameters: number;
  readonly seed: number;
}

/** One finished iteration. */
export interface IterReport {
  /** From 1. */
  readonly epoch: number;
  readonly maxEpochs: number;
  readonly iter: number;
  readonly batches: number;
  readonly lr: number;
  /** Means over this epoch so far. */
  readonly running: EpochScore;
  /** Seconds to the end of the run at the speed so far. */
  readonly eta: number;
}

/** One evaluated batch of validation or test. */
export interface EvaluationReport {
  readonly phase: 'validation' | 'test';
  readonly done: number;
  readonly batches: number;
  readonly running: EpochScore;
}

/** What a finished run left. */
export interface RunDone {
  readonly workDir: string;
  readonly best: string | undefined;
  readonly latest: string;
  readonly seconds: number;
}

/** Listens to a run: the CLI draws its progress from this. Every method is optional. */
export interface Reporter {
  onStart?(start: RunStart): void;
  onIter?(report: IterReport): void;
  onEvaluate?(report: EvaluationReport): void;
  onEpoch?(record: EpochRecord): void;
  onLog?(line: string): void;
  onDone?(done: RunDone): void;
}
