import { tf } from '@bidl/engine';
import type { BestScore, EpochRecord, EpochScore } from '../checkpoint/meta.js';
import type { Classifier } from '../classifier.js';
import type { Hook, MOMENTS } from '../hooks/hook.js';
import type { Gradients, Optimizer } from '../optimizers/optimizer.js';
import type { Reporter } from '../reporter.js';
import type { Schedule } from '../schedules/schedule.js';
import { fetchOutputs, inputTensor, labelTensor } from './batch-tensors.js';
import { InterruptedError, NonFiniteLossError } from './errors.js';
import type { Batch, Loader } from './loader.js';
import { Score } from './score.js';

/** What a runner is made of. */
export interface RunnerParts {
  readonly classifier: Classifier;
  readonly optimizer: Optimizer;
  /** One per parameter group of the optimizer. */
  readonly schedules: readonly Schedule[];
  readonly loader: Loader;
  readonly hooks: readonly Hook[];
  readonly maxEpochs: number;
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

/** The iteration that has just been computed. */
export interface IterationResult {
  readonly loss: number;
  /** [B·K], row by row. */
  readonly logits: Float32Array;
  readonly labels: Int32Array;
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
  result: IterationResult = { loss: 0, logits: new Float32Array(), labels: new Int32Array() };
  /** Path of the last checkpoint known to be whole. */
  lastCheckpoint: string | undefined;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal | undefined;
  readonly #hooks: readonly Hook[];
  readonly #names: ReadonlyMap<string, string>;
  readonly #variables: tf.Variable[];
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
    const trainable = parts.classifier.weights().filter((w) => w.trainable);
    this.#variables = trainable.map((w) => w.variable);
    this.#names = new Map(trainable.map((w) => [w.variable.name, w.name]));
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
    }
  }

  async #forwardBackward(batch: Batch): Promise<void> {
    // the loader may overwrite its memory after release, while the result stays readable for hooks
    const labels = Int32Array.from(batch.gt_label);
    let logits: tf.Tensor | undefined;
    const [loss, gradients] = keepAll(() => {
      const x = inputTensor(batch.img);
      const y = labelTensor(labels);
      const { value, grads } = tf.variableGrads(() => {
        const out = this.classifier.forward(x, true);
        logits = tf.keep(out.clone());
        return tf.reshape(this.classifier.loss(out, y), []) as tf.Scalar;
      }, this.#variables);
      return [value, grads];
    });
    this.gradients = new Map(
      Object.entries(gradients).map(([name, gradient]) => [this.#names.get(name) ?? name, gradient]),
    );
    if (!logits) throw new Error('the classifier gave no logits');
    const values = await fetchOutputs(loss, logits);
    if (!Number.isFinite(values.loss))
      throw new NonFiniteLossError(
        values.loss,
        this.epoch + 1,
        this.innerIter + 1,
        this.lr,
        this.lastCheckpoint,
      );
    this.score.add(values.loss, values.logits, labels);
    this.result = { ...values, labels };
  }

  #stopIfAsked(): void {
    if (this.signal?.aborted) throw new InterruptedError(this.epoch + 1, this.innerIter, this.lastCheckpoint);
  }

  async #call(moment: (typeof MOMENTS)[number]): Promise<void> {
    for (const hook of this.#hooks) await hook[moment]?.(this);
  }
}

/** Like tf.tidy, for a loss and named gradients; gradients that do not exist are left out. */
function keepAll(compute: () => [tf.Scalar, tf.NamedTensorMap]): [tf.Scalar, Record<string, tf.Tensor>] {
  const [loss, entries] = tf.tidy(() => {
    const [value, grads] = compute();
    return [
      value,
      Object.fromEntries(Object.entries(grads).filter(([, g]) => g !== null && g !== undefined)),
    ] as [tf.Scalar, Record<string, tf.Tensor>];
  });
  return [loss, entries];
}
