import { setImmediate } from 'node:timers/promises';
import type { tf } from '@bidl/engine';
import type { Memory } from '@bidl/models';
import type { BestScore, EpochRecord, EpochScore } from '../checkpoint/meta.js';
import type { Classifier } from '../classifier.js';
import type { Hook, MOMENTS } from '../hooks/hook.js';
import type { Gradients, Objective, Optimizer } from '../optimizers/optimizer.js';
import type { Reporter } from '../reporter.js';
import type { Schedule } from '../schedules/schedule.js';
import { fetchResult } from './batch-tensors.js';
import { InterruptedError, NonFiniteLossError } from './errors.js';
import { ForwardBackward } from './forward-backward.js';
import type { Batch, Loader } from './loader.js';
import { Score, type BatchResult } from './score.js';

/** What a runner is made of. */
export interface RunnerParts {
  readonly classifier: Classifier;
  readonly optimizer: Optimizer;
  /** One per parameter group of the optimizer. */
  readonly schedules: readonly Schedule[];
  readonly loader: Loader;
  readonly hooks: readonly Hook[];
  readonly maxEpochs: number;
  /** Time steps after which gradients are cut; undefined: never. */
  readonly tbptt?: number | undefined;
  /** What is kept between forward and backward pass; default `full`. */
  readonly memory?: Memory | undefined;
  readonly log?: (line: string) => void;
  readonly reporter?: Reporter | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, from any origin. */
  readonly now?: () => number;
}

/** Where a resumed run starts. */
export interface Progress {
  readonly epoch: number;
  readonly iter: number;
  readonly best: BestScore | null;
  readonly history: readonly EpochRecord[];
}

/**
 * Trains for a number of epochs and calls hooks at fixed moments; everything but forward and backward (rates,
 * update, saving, logging, validation) is a hook.
 */
export class EpochBasedRunner {
  readonly classifier: Classifier;
  readonly optimizer: Optimizer;
  readonly schedules: readonly Schedule[];
  readonly loader: Loader;
  readonly maxEpochs: number;
  readonly reporter: Reporter;
  readonly now: () => number;
  /** Epochs finished. During epoch n (counted from 1) it is n - 1, in `afterEpoch` n. */
  epoch = 0;
  /** Iterations finished, over all epochs. */
  iter = 0;
  /** Iterations finished in this epoch. */
  innerIter = 0;
  best: BestScore | null = null;
  history: EpochRecord[] = [];
  /** Sums of this epoch. */
  score = new Score();
  /** Set by validation in `afterEpoch`, before the epoch's record is made. */
  validation: EpochScore | undefined;
  /** Gradients by weight name, from forward/backward until the end of `afterIter`; hooks may replace them. */
  gradients: Gradients = new Map<string, tf.Tensor>();
  /** The loss of this iteration's batch as a function of the weights, in `afterIter`. */
  objective: Objective | undefined;
  /** The iteration that has just been computed. */
  result: BatchResult = { loss: 0, top1: 0, top5: 0, samples: 0 };
  /** Path of the last checkpoint known to be whole. */
  lastCheckpoint: string | undefined;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal | undefined;
  readonly #hooks: readonly Hook[];
  readonly #passes: ForwardBackward;
  #epochStart = 0;

  constructor(parts: RunnerParts) {
    this.classifier = parts.classifier;
    this.optimizer = parts.optimizer;
    this.schedules = parts.schedules;
    this.loader = parts.loader;
    this.maxEpochs = parts.maxEpochs;
    this.log = parts.log ?? (() => undefined);
    this.reporter = parts.reporter ?? {};
    this.signal = parts.signal;
    this.now = parts.now ?? (() => performance.now());
    this.#hooks = parts.hooks;
    this.#passes = new ForwardBackward(parts.classifier, parts.tbptt, parts.memory);
  }

  /** The rate of the first parameter group. */
  get lr(): number {
    return this.optimizer.groups[0]?.lr ?? 0;
  }

  /** Continue from a finished epoch. */
  restore(progress: Progress): void {
    this.epoch = progress.epoch;
    this.iter = progress.iter;
    this.best = progress.best;
    this.history = [...progress.history];
  }

  /**
   * Train until `maxEpochs`.
   *
   * @throws NonFiniteLossError, InterruptedError (when the signal is aborted), and whatever a hook throws.
   */
  async run(): Promise<void> {
    await this.#call('beforeRun');
    while (this.epoch < this.maxEpochs) await this.#runEpoch();
    await this.#call('afterRun');
  }

  /** Seconds since this epoch began. */
  elapsed(): number {
    return (this.now() - this.#epochStart) / 1000;
  }

  async #runEpoch(): Promise<void> {
    this.innerIter = 0;
    this.score = new Score();
    this.validation = undefined;
    this.#epochStart = this.now();
    await this.#call('beforeEpoch');
    for await (const batch of this.loader.epoch(this.epoch)) {
      try {
        this.#stopIfAsked();
        await this.#iterate(batch);
      } finally {
        batch.release();
      }
      // lets signals, timers and worker messages in: nothing else in an iteration leaves the microtask queue
      await setImmediate();
      this.#stopIfAsked();
    }
    this.epoch += 1;
    await this.#call('afterEpoch');
  }

  async #iterate(batch: Batch): Promise<void> {
    await this.#call('beforeIter');
    try {
      await this.#forwardBackward(batch);
      this.iter += 1;
      this.innerIter += 1;
      await this.#call('afterIter');
    } finally {
      this.gradients.forEach((g) => g.dispose());
      this.gradients = new Map();
      this.objective = undefined;
    }
  }

  async #forwardBackward(batch: Batch): Promise<void> {
    const { classifier } = this;
    // a copy: the loader may overwrite its memory after release
    const labels = Int32Array.from(batch.gt_label);
    if (classifier.iteration !== undefined) classifier.iteration = this.iter;
    const { loss, logits, gradients } = this.#passes.run(batch, labels);
    this.gradients = gradients;
    this.result = await fetchResult(classifier, { loss, logits }, labels);
    this.objective = { loss: this.result.loss, evaluate: () => this.#passes.evaluate(batch, labels) };
    if (!Number.isFinite(this.result.loss))
      throw new NonFiniteLossError(
        this.result.loss,
        this.epoch + 1,
        this.innerIter + 1,
        this.lr,
        this.lastCheckpoint,
      );
    this.score.add(this.result);
  }

  #stopIfAsked(): void {
    if (this.signal?.aborted) throw new InterruptedError(this.epoch + 1, this.innerIter, this.lastCheckpoint);
  }

  async #call(moment: (typeof MOMENTS)[number]): Promise<void> {
    for (const hook of this.#hooks) await hook[moment]?.(this);
  }
}
