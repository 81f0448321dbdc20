import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { LoadedConfig, RunConfig } from '@bidl/config';
import { buildDataset } from '@bidl/datasets';
import { tf } from '@bidl/engine';
import { loadNpy, ndarray, toFloat32, type NdArray } from '@bidl/formats';
import { readArtifact } from '@bidl/graph';
import { channelsLast, isNdArray, rngFor, type Sample } from '@bidl/pipelines';
import { named } from '@bidl/runner';
import type { Driver } from '@bidl/sdk-runtime';

import { writeCompiled } from './compile.js';
import { DeployError } from './errors.js';
import type { TestSample } from './samples.js';
import { largest } from './tally.js';
import { openApu } from './target/apu.js';
import { openTrained, type Trained } from './trained.js';
import { using } from './using.js';

export interface PredictOptions {
  /** The trained weights. */
  readonly checkpoint: string;
  /** Default `host`. */
  readonly on?: 'host' | 'device';
  /** With `on: 'device'`: which, from 0. */
  readonly device?: number;
  /** ... and whose. Default: a simulator of one device. */
  readonly driver?: Driver;
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What a network says about one recording. */
export interface Prediction {
  readonly file: string;
  readonly class: number;
  readonly name: string;
  /** Softmax of the logits at that class. */
  readonly confidence: number;
  /** Name of the class in second place. */
  readonly second: string;
  readonly logits: readonly number[];
}

/**
 * Classifies recordings: each goes through the config's test pipeline, then through the network.
 *
 * @param files event files as the test pipeline reads them, or `.npy` arrays
 * @throws DeployError for recordings that don't fit; otherwise as {@link compile}
 *
 * @example
 * const [{ name, confidence }] = await predict(config, ['digit.bin'], { checkpoint });
 */
export async function predict(
  config: RunConfig | LoadedConfig,
  files: readonly string[],
  options: PredictOptions,
): Promise<Prediction[]> {
  const run = named(config);
  const { test } = run.config.data;
  if (!test)
    throw new DeployError('data.test is missing: its pipeline says how a recording becomes a sample');
  const dataset = buildDataset(test, 'data.test');
  const samples = files.map((file) => sampleOf(file, (read) => dataset.pipeline.apply(read, rngFor(0))));
  const [first] = samples;
  if (!first) return [];
  const odd = samples.findIndex(({ shape }) => shape.join() !== first.shape.join());
  if (odd >= 0) {
    const shapes = [samples[odd], first].map((sample) => `[${sample?.shape.join(', ') ?? ''}]`);
    throw new DeployError(`${files[odd] ?? ''} gives ${shapes[0]}, the first one ${shapes[1]}`);
  }
  const trained = await openTrained(run, options.checkpoint, first.shape, options.log ?? (() => undefined));
  return using(
    trained,
    ({ classifier }) => classifier.dispose(),
    async () => {
      const inputs = samples.map(({ data }): TestSample => ({ img: data, label: -1 }));
      const logits =
        options.on === 'device' ? await onDevice(trained, inputs, options) : onHost(trained, inputs);
      return files.map((file, i) => told(file, logits[i] ?? new Float32Array(0), dataset.CLASSES));
    },
  );
}

/** A recording as a data set would list it, through the pipeline: `[T, H, W, C]`. */
function sampleOf(file: string, pipeline: (sample: Sample) => Sample): NdArray<Float32Array> {
  const read: Sample =
    path.extname(file).toLowerCase() === '.npy'
      ? { img: loadNpy(file), gt_label: 0 }
      : { file: path.resolve(file), gt_label: 0 };
  const { img } = channelsLast(pipeline(read));
  if (!isNdArray(img)) throw new DeployError(`${file}: the test pipeline gives no img`);
  return ndarray(toFloat32(img), [...img.shape]);
}

const onHost = ({ classifier, inputShape }: Trained, inputs: readonly TestSample[]): Float32Array[] =>
  inputs.map(({ img }) =>
    tf.tidy(() => {
      const x = tf.tensor(Float32Array.from(img), [1, ...inputShape]);
      return Float32Array.from(classifier.forward(x).dataSync());
    }),
  );

/** Compiles into a folder that is gone afterwards, and runs there. */
function onDevice(
  trained: Trained,
  inputs: readonly TestSample[],
  { checkpoint, device = 0, driver, signal }: PredictOptions,
): Promise<Float32Array[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bidl-predict-'));
  return using(
    folder,
    () => rmSync(folder, { recursive: true, force: true }),
    async () => {
      const out = path.join(folder, 'artifact');
      await writeCompiled(trained, { checkpoint, out, multinet: true, signal }, inputs);
      const place = { driver, device, log: () => undefined, signal };
      const target = await openApu(readArtifact(out), [], place);
      return using(
        target,
        () => target.dispose(),
        () => target.run(inputs),
      );
    },
  );
}

function told(file: string, logits: Float32Array, classes: readonly string[]): Prediction {
  const best = largest(logits);
  const highest = logits[best] ?? 0;
  const weights = Array.from(logits, (v) => Math.exp(v - highest));
  const others = logits.map((v, i) => (i === best ? -Infinity : v));
  const nameOf = (i: number) => classes[i] ?? String(i);
  return {
    file,
    class: best,
    name: nameOf(best),
    confidence: 1 / weights.reduce((a, b) => a + b, 0),
    second: nameOf(largest(others)),
    logits: Array.from(logits),
  };
}
