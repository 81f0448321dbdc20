import { join } from 'node:path';
import { startEngine } from '@bidl/engine';
import type { LoadedConfig, RunConfig } from '@bidl/config';
import { differences } from './checkpoint/compare-producer.js';
import { applyOptimizer, applyWeights, readCheckpoint, type Checkpoint } from './checkpoint/decode.js';
import { CheckpointError } from './checkpoint/errors.js';
import type { CheckpointMeta, EpochRecord } from './checkpoint/meta.js';
import { BEST, checkpointHook, LATEST } from './hooks/checkpoint-hook.js';
import { historyHook } from './hooks/history-hook.js';
import { hooks, type Hook } from './hooks/hook.js';
import { loggerHook } from './hooks/logger-hook.js';
import { lrHook } from './hooks/lr-hook.js';
import { optimizerHook } from './hooks/optimizer-hook.js';
import { validationHook } from './hooks/validation-hook.js';
import { openRunLog, type RunLog } from './logging/log-file.js';
import { runners } from './loop/runners.js';
import './optimizers/adam.js';
import { createOptimizer } from './optimizers/optimizer.js';
import './optimizers/sgd.js';
import type { Reporter } from './reporter.js';
import { named, type NamedConfig } from './run-config.js';
import './schedules/closed-form.js';
import { createSchedule } from './schedules/schedule.js';
import './schedules/torch.js';
import { classifierOf, DEFAULT_SEED, loaderOf, producerOf } from './wiring.js';
import { prepareWorkDir, workDirOf } from './work-dir.js';

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
  const resumeFrom = options.resumeFrom ?? (options.loadFrom === undefined ? run.config.resume_from : null);
  // reading first: a bad path should not leave a work dir behind
  const resumed = resumeFrom ? resumable(resumeFrom) : undefined;
  const start = resumed ? undefined : (options.loadFrom ?? run.config.load_from);
  const loaded = start ? readCheckpoint(start) : undefined;
  await prepareWorkDir(workDir, run.config);
  const log = openRunLog(workDir, { onLine: (line) => options.reporter?.onLog?.(line) });
  try {
    return await trainIn(run, workDir, log, options, { resumed, loaded });
  } catch (error) {
    log.write(error instanceof Error ? `${error.name}: ${error.message}` : String(error), 'ERROR');
    throw error;
  }
}

interface Starts {
  readonly resumed: (Checkpoint & { readonly meta: CheckpointMeta }) | undefined;
  readonly loaded: Checkpoint | undefined;
}

async function trainIn(
  run: NamedConfig,
  workDir: string,
  log: RunLog,
  options: TrainOptions,
  { resumed, loaded }: Starts,
): Promise<TrainResult> {
  const { config } = run;
  const { reporter, signal } = options;
  const began = performance.now();
  const warn = (line: string) => log.write(line, 'WARNING');
  run.warnings.forEach(warn);
  if (options.deterministic ?? config.deterministic) askForDeterminism();
  const engine = await startEngine({ warn });
  const producer = producerOf(engine);
  const seed = chooseSeed(options.seed ?? config.seed ?? undefined, resumed?.meta.seed, warn);

  const loader = await loaderOf(run, 'train', { training: true, seed });
  const closing: { close(): Promise<void> }[] = [loader];
  try {
    const validate = (options.validate ?? true) && config.data.val !== null;
    const validation = validate ? await loaderOf(run, 'val', { training: false, seed }) : undefined;
    if (validation) closing.push(validation);
    else warn('no validation (data.val is null or it was switched off): best.safetensors is not written');

    const classifier = classifierOf(run, loader.sampleShape, seed);
    const weights = classifier.weights();
    const optimizer = createOptimizer(config.optimizer, weights);
    try {
      const maxEpochs = config.runner.max_epochs;
      const schedules = optimizer.groups.map(({ baseLr }) =>
        createSchedule(config.lr_config, { baseLr, maxEpochs, itersPerEpoch: loader.batches }),
      );
      const facts = { producer, seed, classes: loader.classes, configName: run.name, config };
      const all: Hook[] = [
        lrHook(),
        optimizerHook(config.optimizer_config),
        ...customHooks(config),
        ...(validation ? [validationHook(validation)] : []),
        historyHook(),
        checkpointHook({ workDir, facts, interval: config.checkpoint_config.interval }),
        loggerHook({ interval: config.log_config.interval }),
      ];
      const runner = runners.build(
        config.runner,
        {
          classifier,
          optimizer,
          schedules,
          loader,
          hooks: all,
          reporter,
          signal,
          log: (line) => log.write(line),
        },
        'runner',
      );
      if (resumed) {
        applyWeights(weights, resumed);
        applyOptimizer(optimizer, resumed);
        resumed.meta.schedules.forEach((state, i) => schedules[i]?.load(state));
        runner.restore(resumed.meta);
        runner.lastCheckpoint = resumed.path;
        differences(resumed.meta.producer, producer).forEach((reason) =>
          warn(`${reason}: the run continues, but may differ in the last bits from an unbroken one`),
        );
        log.write(`resumed from ${resumed.path}: ${runner.epoch} of ${maxEpochs} epochs are done`);
      } else if (loaded) {
        applyWeights(weights, loaded);
        log.write(`weights loaded from ${loaded.path}`);
      }
      const parameters = weights.reduce((n, w) => n + (w.trainable ? w.variable.size : 0), 0);
      log.write(
        `config ${run.name}, ${parameters} parameters, ${loader.length} samples, batch ${config.data.samples_per_gpu}, ` +
          `seed ${seed}, ${engine.backend} ${engine.version} on ${engine.device}, ${engine.threads} threads`,
      );
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
      const seconds = (performance.now() - began) / 1000;
      const best = runner.best ? join(workDir, BEST) : undefined;
      const latest = join(workDir, LATEST);
      reporter?.onDone?.({ workDir, best, latest, seconds });
      return {
        workDir,
        latest,
        best,
        top1: runner.best?.top1,
        bestEpoch: runner.best?.epoch,
        epochs: runner.epoch,
        iterations: runner.iter,
        seconds,
        log: log.path,
        history: runner.history,
      };
    } finally {
      optimizer.dispose();
      classifier.dispose();
    }
  } finally {
    await Promise.all(closing.map((c) => c.close()));
  }
}

function resumable(path: string): Checkpoint & { readonly meta: CheckpointMeta } {
  const checkpoint = readCheckpoint(path);
  const { meta } = checkpoint;
  if (!meta)
    throw new CheckpointError(
      `${path} holds weights only, nothing to resume from. Start from its weights with --load-from instead.`,
    );
  return { ...checkpoint, meta };
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

function customHooks(config: RunConfig): Hook[] {
  const asked: unknown = 'custom_hooks' in config ? config.custom_hooks : undefined;
  if (!Array.isArray(asked)) return [];
  return asked.map((hook: unknown, i) => hooks.build(hook, undefined, `custom_hooks[${i}]`));
}
