import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { saveFile } from '@bidl/formats';
import { applyOptimizer, applyWeights } from './checkpoint/apply.js';
import { differences } from './checkpoint/compare-producer.js';
import { CheckpointError } from './checkpoint/errors.js';
import type { CheckpointMeta, CheckpointProducer } from './checkpoint/meta.js';
import { readCheckpoint, type Checkpoint } from './checkpoint/read.js';
import { BEST } from './hooks/checkpoint-hook.js';
import type { EpochBasedRunner } from './loop/epoch-based-runner.js';

/** Where a run takes its start from: a checkpoint to continue, weights to begin with, or nothing. */
export type Start =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'weights'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'resume'; readonly checkpoint: Checkpoint; readonly meta: CheckpointMeta };

/** Paths that ask for a start, from the options (first) and the config. */
export interface StartPaths {
  readonly resumeFrom?: string | null | undefined;
  readonly loadFrom?: string | null | undefined;
}

/**
 * Read the checkpoint that a run starts from. Paths of the options win over the config's; resuming wins over
 * loading.
 *
 * @throws CheckpointError
 */
export function readStart(options: StartPaths, config: StartPaths): Start {
  const paths = options.resumeFrom || options.loadFrom ? options : config;
  if (paths.resumeFrom) {
    const checkpoint = readCheckpoint(paths.resumeFrom);
    const { meta, path } = checkpoint;
    if (!meta)
      throw new CheckpointError(
        `${path} holds weights only, nothing to resume from. Start from its weights with --load-from instead.`,
      );
    return { kind: 'resume', checkpoint, meta };
  }
  return paths.loadFrom ? { kind: 'weights', checkpoint: readCheckpoint(paths.loadFrom) } : { kind: 'fresh' };
}

/** What a start needs to know of the run. */
export interface StartContext {
  readonly workDir: string;
  readonly producer: CheckpointProducer;
  readonly log: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** Put a start into a runner that has not run yet. @throws CheckpointError when they do not fit. */
export async function applyStart(
  start: Start,
  runner: EpochBasedRunner,
  context: StartContext,
): Promise<void> {
  if (start.kind === 'fresh') return;
  const { checkpoint } = start;
  applyWeights(runner.classifier, checkpoint);
  if (start.kind === 'weights') {
    context.log(`weights loaded from ${checkpoint.path}`);
    return;
  }
  const { meta } = start;
  applyOptimizer(runner.optimizer, checkpoint);
  if (meta.schedules.length !== runner.schedules.length)
    throw new CheckpointError(
      `${checkpoint.path}: was saved with ${meta.schedules.length} parameter groups, the config has ` +
        `${runner.schedules.length}. Resume with the same optimizer, or start from its weights with load_from.`,
    );
  meta.schedules.forEach((state, i) => runner.schedules[i]?.load(state));
  runner.restore({ ...meta, best: await bestBeside(checkpoint.path, meta, context) });
  runner.lastCheckpoint = checkpoint.path;
  for (const reason of differences(meta.producer, context.producer))
    context.warn(`${reason}: the run continues, but may differ in the last bits from an unbroken one`);
  if (meta.iter !== meta.epoch * runner.loader.batches)
    context.warn(
      `the checkpoint has done ${meta.iter} iterations in ${meta.epoch} epochs, an epoch now has ` +
        `${runner.loader.batches}: the data or the batch size has changed`,
    );
  context.log(`resumed from ${checkpoint.path}: ${runner.epoch} of ${runner.maxEpochs} epochs are done`);
}

/** The best epoch so far, its file taken along to a new work dir; none when the file is lost. */
async function bestBeside(path: string, { best }: CheckpointMeta, { workDir, warn }: StartContext) {
  const here = join(workDir, BEST);
  const beside = join(dirname(path), BEST);
  if (best === null || existsSync(here)) return best;
  if (existsSync(beside)) {
    await saveFile(here, readFileSync(beside));
    return best;
  }
  warn(`${beside} is missing: the best epoch is looked for anew from here on`);
  return null;
}
