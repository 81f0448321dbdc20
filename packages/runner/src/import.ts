import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { LoadedConfig, RunConfig } from '@bidl/config';
import { startEngine } from '@bidl/engine';
import { saveFile } from '@bidl/formats';
import type { MappingReport } from '@bidl/interop';
import { applyWeights } from './checkpoint/apply.js';
import { encodeCheckpoint } from './checkpoint/encode.js';
import { CheckpointError } from './checkpoint/errors.js';
import { CHECKPOINT_VERSION } from './checkpoint/meta.js';
import { readCheckpoint } from './checkpoint/read.js';
import { named, type NamedConfig } from './run-config.js';
import { classifierOf, DEFAULT_SEED, loaderOf, producerOf } from './wiring.js';

export interface ImportOptions {
  /** The PyTorch checkpoint. */
  readonly file: string;
  /** Where ours goes; left out: beside the file, with the ending `.safetensors`, and never over another one. */
  readonly out?: string | undefined;
  /** Every weight and every key has to find its counterpart. Default true. */
  readonly strict?: boolean | undefined;
  /** One sample, `[T, H, W, C]`; left out: that of `data.test`. */
  readonly sampleShape?: readonly number[] | undefined;
  readonly warn?: (line: string) => void;
}

/** What was written, and what became of every key. */
export interface ImportResult {
  readonly out: string;
  readonly report: MappingReport;
}

/**
 * Writes the weights of a PyTorch checkpoint as one of ours, for the network of a config. With `strict: false`, weights
 * that the file lacks keep the network's start.
 *
 * @throws CheckpointError for a file that can't be read or is none of PyTorch, CheckpointMismatchError for the weights
 * of another network
 */
export async function importCheckpoint(
  config: RunConfig | LoadedConfig,
  { file, out, strict = true, sampleShape, warn }: ImportOptions,
): Promise<ImportResult> {
  const run = named(config);
  const target = resolve(out ?? beside(file));
  if (target === resolve(file) || (out === undefined && existsSync(target)))
    throw new CheckpointError(`${target} is there already. Say with --out where the weights go.`);
  const checkpoint = readCheckpoint(file);
  if (!checkpoint.torch)
    throw new CheckpointError(
      `${file} is no PyTorch checkpoint; it can be used as it is, with --checkpoint.`,
    );
  const engine = await startEngine({ ...(warn && { warn }) });
  const { shape, classes } = sampleShape ? { shape: sampleShape, classes: [] } : await testSamples(run);
  const classifier = classifierOf(run, shape, DEFAULT_SEED);
  try {
    const report = applyWeights(classifier, checkpoint, { strict });
    if (!report) throw new CheckpointError(`${file}: no weights were mapped.`);
    const bytes = await encodeCheckpoint(classifier.weights(), undefined, {
      format: 'bidl-checkpoint',
      version: CHECKPOINT_VERSION,
      producer: producerOf(engine),
      time: new Date().toISOString(),
      epoch: checkpoint.torch.epoch ?? 0,
      iter: checkpoint.torch.iter ?? 0,
      maxEpochs: run.config.runner.max_epochs,
      seed: DEFAULT_SEED,
      schedules: [],
      best: null,
      history: [],
      classes: [...classes],
      configName: run.name,
      config: run.config,
    });
    await saveFile(target, bytes);
    return { out: target, report };
  } finally {
    classifier.dispose();
  }
}

async function testSamples(run: NamedConfig) {
  const loader = await loaderOf(run, 'test', { training: false, seed: DEFAULT_SEED, workers: 0 });
  try {
    return { shape: loader.sampleShape, classes: loader.classes };
  } finally {
    await loader.close();
  }
}

const beside = (file: string): string => join(dirname(file), `${basename(file, extname(file))}.safetensors`);
