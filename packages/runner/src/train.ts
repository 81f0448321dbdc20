import { join } from 'node:path';
import { startEngine } from '@bidl/engine';
import type { LoadedConfig, RunConfig } from '@bidl/config';
import type { EpochRecord } from './checkpoint/meta.js';
import { BEST, LATEST } from './hooks/checkpoint-hook.js';
import { openRunLog, type RunLog } from './logging/log-file.js';
import { runners } from './loop/runners.js';
import './optimizers/builtin.js';
import { createOptimizer } from './optimizers/optimizer.js';
import type { Reporter } from './reporter.js';
import { named, type NamedConfig } from './run-config.js';
import { runHooks } from './run-hooks.js';
import './schedules/builtin.js';
import { createSchedule } from './schedules/schedule.js';
import { applyStart, readStart, type Start } from './start-from.js';
import { classifierOf, DEFAULT_SEED, loaderOf, producerOf } from './wiring.js';
import { prepareWorkDir, workDirOf } from './work-dir.js';
import { validationInterval } from './workflow.js';

/** What the command line may change about a run. What is left out comes from the config. */
export interface TrainOptions {
  readonly workDir?: string | undefined;
  /** Checkpoint to continue from: weights, optimizer, schedule, epoch and best score. */
  readonly resumeFrom?: string | undefined;
  /** Checkpoint whose weights to start from. */
  readonly loadFrom?: string | undefined;
  /** Evaluate on `data.val` after every epoch (default true); without it there is no best.safetensors. */
  readonly validate?: boolean | undefined;
  readonly seed?: number | undefined;
  /** Ask TensorFlow for repeatable kernels where it has a choice. */
  readonly deterministic?: boolean | undefined;
  readonly reporter?: Reporter | undefined;
  /** Stops after the current iteration; `train` then throws InterruptedError. */
  readonly signal?: AbortSignal | undefined;
}

/** What a finished training left. Accuracies are percentages. */
export interface TrainResult {
  readonly workDir: string;
  readonly latest: string;
  /** Undefined without validation. */
  readonly best: string | undefined;
  /** Of the best epoch; undefined without validation. */
  readonly top1: number | undefined;
  readonly bestEpoch: number | undefined;
  readonly epochs: number;
  readonly iterations: number;
  readonly seconds: number;
  readonly log: string;
  readonly history: readonly EpochRecord[];
}

/**
 * Train the network of a config.
 *
 * @example
 * const result = await train(await loadConfig('clif3fc3dm_itout-b16x2-nmnist'), { seed: 1 });
 * console.log(result.best, result.top1);
 * @throws ConfigError, CheckpointError, NonFiniteLossError, InterruptedError, WorkDirError, and what data sets throw.
 */
export async function train(
  config: RunConfig | LoadedConfig,
  options: TrainOptions = {},
): Promise<TrainResult> {
  const run = named(config);
  const workDir = workDirOf(options.workDir, run.config.work_dir, run.name);
  const validateEvery = validationInterval(run.config.workflow);
  // reading first: a bad path should not leave a work dir behind
  const { resume_from: resumeFrom, load_from: loadFrom } = run.config;
  const start = readStart(options, { resumeFrom, loadFrom });
  await prepareWorkDir(workDir, run.config);
  const log = openRunLog(workDir, {
    level: run.config.log_level,
    onLine: (line) => options.reporter?.onLog?.(line),
  });
  const cleanup: (() => void | Promise<void>)[] = [];
  try {
    return await trainIn({ run, validateEvery, workDir, log, start, options, cleanup });
  } catch (error) {
    // whoever called hears of it from the throw
    log.note(error instanceof Error ? `${error.name}: ${error.message}` : String(error), 'ERROR');
    throw error;
  } finally {
    for (const end of cleanup.reverse()) await end();
  }
}

interface Session {
  readonly run: NamedConfig;
  /** Epochs from one validation to the next. */
  readonly validateEvery: number;
  readonly workDir: string;
  readonly log: RunLog;
  readonly start: Start;
  readonly options: TrainOptions;
  /** Called in reverse order at the end, however it comes. */
  readonly cleanup: (() => void | Promise<void>)[];
}

async function trainIn({
  run,
  validateEvery,
  workDir,
  log,
  start,
  options,
  cleanup,
}: Session): Promise<TrainResult> {
  const { config } = run;
  const { reporter, signal } = options;
  const began = performance.now();
  const warn = (line: string) => log.write(line, 'WARNING');
  run.warnings.forEach(warn);
  if (options.deterministic ?? config.deterministic) askForDeterminism();
  const saved = start.kind === 'resume' ? start.meta.seed : undefined;
  const seed = chooseSeed(options.seed ?? config.seed ?? undefined, saved, warn);
  const validate = (options.validate ?? true) && config.data.val !== null;

  // Each takes a while and none needs another: workers list and read data while this thread loads TensorFlow.
  const openLoader = async (split: 'train' | 'val') => {
    const loader = await loaderOf(run, split, { training: split === 'train', seed });
    cleanup.push(() => loader.close());
    return loader;
  };
  const [loader, validation, engine] = await allSettled([
    openLoader('train'),
    validate ? openLoader('val') : undefined,
    startEngine({ warn, log: (line) => log.write(line) }),
  ]);
  const producer = producerOf(engine);
  if (!validation)
    warn('no validation (data.val is null or it was switched off): best.safetensors is not written');

  const classifier = classifierOf(run, loader.sampleShape, seed);
  cleanup.push(() => classifier.dispose());
  const weights = classifier.weights();
  const optimizer = createOptimizer(config.optimizer, weights);
  cleanup.push(() => optimizer.dispose());
  const maxEpochs = config.runner.max_epochs;
  const schedules = optimizer.groups.map(({ baseLr, momentum }) =>
    createSchedule(config.lr_config, {
      baseLr,
      momentum,
      maxEpochs,
      itersPerEpoch: loader.batches,
      validates: validation !== undefined,
    }),
  );
  const facts = { producer, seed, classes: loader.classes, configName: run.name, config };
  const parts = {
    classifier,
    optimizer,
    schedules,
    loader,
    hooks: runHooks(config, { workDir, facts, validation, validateEvery }),
    reporter,
    signal,
    log: (line: string) => log.write(line),
  };
  const runner = runners.build(config.runner, parts, 'runner');
  const parameters = weights.reduce((n, w) => n + (w.trainable ? w.variable.size : 0), 0);
  log.write(
    `config ${run.name}, ${parameters} parameters, ${loader.length} samples, batch ${config.data.samples_per_gpu}, ` +
      `seed ${seed}, ${engine.backend} ${engine.version} on ${engine.device}, ${engine.threads} threads`,
  );
  await applyStart(start, runner, { workDir, producer, warn, log: (line) => log.write(line) });
  reporter?.onStart?.({
    config: run.name,
    workDir,
    maxEpochs,
    startEpoch: runner.epoch,
    batches: loader.batches,
    trainSamples: loader.length,
    validationSamples: validation?.length ?? 0,
    parameters,
    seed,
  });
  await runner.run();
  const done = {
    workDir,
    latest: runner.lastCheckpoint ?? join(workDir, LATEST),
    best: runner.best ? join(workDir, BEST) : undefined,
    seconds: (performance.now() - began) / 1000,
  };
  reporter?.onDone?.(done);
  return {
    ...done,
    top1: runner.best?.top1,
    bestEpoch: runner.best?.epoch,
    epochs: runner.epoch,
    iterations: runner.iter,
    log: log.path,
    history: runner.history,
  };
}

/** As `Promise.all`, but rejects only when all have ended, so that whatever was opened is known to `cleanup`. */
async function allSettled<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function chooseSeed(
  asked: number | undefined,
  saved: number | undefined,
  warn: (line: string) => void,
): number {
  if (saved !== undefined && asked !== undefined && asked !== saved)
    warn(
      `the run that is resumed had seed ${saved}; it goes on with seed ${asked} and will differ from an unbroken one`,
    );
  return asked ?? saved ?? DEFAULT_SEED;
}

function askForDeterminism(): void {
  process.env.TF_DETERMINISTIC_OPS = '1';
  process.env.TF_CUDNN_DETERMINISTIC = '1';
}
