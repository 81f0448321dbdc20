import { join } from 'node:path';
import { saveFile } from '@bidl/formats';
import { encodeCheckpoint, type CheckpointFacts } from '../checkpoint/encode.js';
import { CheckpointError } from '../checkpoint/errors.js';
import { CHECKPOINT_VERSION, type CheckpointProducer } from '../checkpoint/meta.js';
import type { EpochBasedRunner } from '../loop/epoch-based-runner.js';
import type { Hook } from './hook.js';

export const LATEST = 'latest.safetensors';
export const BEST = 'best.safetensors';

/** Facts about a run that do not change while it runs. */
export interface RunFacts {
  readonly producer: CheckpointProducer;
  readonly seed: number;
  readonly classes: readonly string[];
  readonly configName: string;
  readonly config: unknown;
}

export interface CheckpointHookOptions {
  readonly workDir: string;
  readonly facts: RunFacts;
  /** In epochs; the last epoch is always saved. */
  readonly interval?: number;
  /** How bytes get to disk: aside, flushed, renamed. */
  readonly save?: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly clock?: () => Date;
}

/**
 * Writes `best.safetensors` when validation improved and `latest.safetensors` at every interval. The best comes
 * first: when a run is killed between the two, resuming from `latest` repeats the epoch and writes it again.
 */
export function checkpointHook(options: CheckpointHookOptions): Hook {
  const { workDir, facts, interval = 1, save = saveFile, clock = () => new Date() } = options;
  const write = async (runner: EpochBasedRunner, name: string, bytes: Uint8Array) => {
    const path = join(workDir, name);
    try {
      await save(path, bytes);
    } catch (cause) {
      throw saveError(path, bytes.length, runner, cause);
    }
    runner.lastCheckpoint = join(workDir, LATEST) === path ? path : runner.lastCheckpoint;
  };
  return {
    async afterEpoch(runner) {
      const improved = runner.best?.epoch === runner.epoch;
      const due = runner.epoch % interval === 0 || runner.epoch === runner.maxEpochs;
      if (!improved && !due) return;
      const { classifier, optimizer } = runner;
      const bytes = await encodeCheckpoint(classifier.weights(), optimizer, factsOf(runner, facts, clock()));
      if (improved) await write(runner, BEST, bytes);
      if (!due) return;
      await write(runner, LATEST, bytes);
      runner.log(`Saving checkpoint at epoch ${runner.epoch}`);
    },
  };
}

function factsOf(runner: EpochBasedRunner, facts: RunFacts, time: Date): CheckpointFacts {
  return {
    format: 'bidl-checkpoint',
    version: CHECKPOINT_VERSION,
    ...facts,
    classes: [...facts.classes],
    time: time.toISOString(),
    epoch: runner.epoch,
    iter: runner.iter,
    maxEpochs: runner.maxEpochs,
    schedules: runner.schedules.map((s) => ({ ...s.state() })),
    best: runner.best,
    history: runner.history,
  };
}

function saveError(path: string, size: number, runner: EpochBasedRunner, cause: unknown): CheckpointError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  const why = (cause instanceof Error ? cause.message : String(cause)).replace(`${path}: `, '');
  const mib = (size / 2 ** 20).toFixed(1);
  const remedy =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? `This one needs ${mib} MiB; another --work-dir may have them.`
      : 'Check that the folder exists and may be written, or choose another --work-dir.';
  const resume = runner.lastCheckpoint
    ? `The previous checkpoint is untouched; resume with --resume-from ${runner.lastCheckpoint}`
    : 'No checkpoint had been saved before.';
  return new CheckpointError(
    `checkpoint ${path} (epoch ${runner.epoch}) could not be saved: ${why}. ${remedy} ${resume}`,
    {
      cause,
    },
  );
}
