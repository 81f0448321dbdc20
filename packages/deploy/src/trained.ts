import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { RunConfig } from '@bidl/config';
import type { Loader } from '@bidl/datasets';
import { startEngine, type EngineInfo } from '@bidl/engine';
import { canonicalJson, sha256 } from '@bidl/graph';
import type { ImageClassifier } from '@bidl/models';
import {
  applyWeights,
  classifierOf,
  DEFAULT_SEED,
  loaderOf,
  readCheckpoint,
  type NamedConfig,
} from '@bidl/runner';

/** A config's network with its trained weights, and what both are known by. */
export interface Trained {
  readonly classifier: ImageClassifier;
  readonly engine: EngineInfo;
  readonly config: { readonly name: string; readonly hash: string };
  readonly checkpoint: { readonly path: string; readonly hash: string };
  /** Of one sample, `[T, H, W, C]`. */
  readonly inputShape: readonly number[];
}

/**
 * Builds the network of a config for samples of a shape, with the weights of a checkpoint.
 *
 * @param inputShape `[T, H, W, C]`
 * @throws CheckpointError for a file that can't be read, CheckpointMismatchError for that of another network.
 */
export async function openTrained(
  run: NamedConfig,
  file: string,
  inputShape: readonly number[],
  warn: (line: string) => void,
): Promise<Trained> {
  const checkpoint = readCheckpoint(file);
  const engine = await startEngine({ warn, log: warn });
  const classifier = classifierOf(run, inputShape, checkpoint.meta?.seed ?? DEFAULT_SEED);
  applyWeights(classifier, checkpoint);
  return {
    classifier,
    engine,
    config: { name: run.name, hash: configHash(run.config) },
    checkpoint: { path: path.resolve(file), hash: sha256(readFileSync(file)) },
    inputShape,
  };
}

/**
 * The loader of the test split, in its own order.
 *
 * @param workers instead of the config's
 * @throws ConfigError without `data.test`
 */
export const openTestSplit = (run: NamedConfig, workers?: number): Promise<Loader> =>
  loaderOf(run, 'test', { training: false, seed: DEFAULT_SEED, ...(workers !== undefined && { workers }) });

/**
 * Hash of what a compiled network depends on in its config: the model, and what the samples go through. Where the
 * data lie, or how it was trained, changes nothing.
 */
export const configHash = ({ model, data }: RunConfig): string =>
  sha256(canonicalJson({ model, dataset: data.test?.type, pipeline: data.test?.pipeline }));
