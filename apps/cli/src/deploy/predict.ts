import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { compileApu } from '@bidl/compile';
import type { LoadedConfig } from '@bidl/config';
import { buildDataset } from '@bidl/datasets';
import { tf } from '@bidl/engine';
import { loadNpy, ndarray, toFloat32 } from '@bidl/formats';
import { readArtifact } from '@bidl/graph';
import { channelsLast, isNdArray, rngFor, type Sample } from '@bidl/pipelines';
import { openSimulator } from '@bidl/sdk-runtime';

import { UsageError } from '../failure.js';
import { openApu } from './apu-device.js';
import { largest } from './deploy.js';
import { bySteps, fittingType, type TestSample } from './samples.js';
import { openTrained, type Trained } from './trained.js';

export interface PredictOptions {
  readonly checkpoint: string;
  readonly on: 'host' | 'device';
  readonly device: number;
  readonly log: (line: string) => void;
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

/** Classifies recordings: each goes through the config's test pipeline, then through the network. */
export async function predict(
  loaded: LoadedConfig,
  files: readonly string[],
  options: PredictOptions,
): Promise<Prediction[]> {
  const { test } = loaded.config.data;
  if (!test) throw new UsageError('data.test is missing: its pipeline says how a recording becomes a sample');
  const dataset = buildDataset(test, 'data.test');
  const samples = files.map((file) => {
    const read = dataset.pipeline.apply(recording(file), rngFor(0));
    const { img } = channelsLast(read);
    if (!isNdArray(img)) throw new UsageError(`${file}: the test pipeline gives no img`);
    return ndarray(toFloat32(img), [...img.shape]);
  });
  const [{ shape }] = samples;
  const odd = samples.findIndex((sample) => sample.shape.join() !== shape.join());
  if (odd >= 0) {
    throw new UsageError(
      `${files[odd] ?? ''} gives [${samples[odd]?.shape.join(', ') ?? ''}], the first one [${shape.join(', ')}]`,
    );
  }
  const trained = await openTrained(loaded, options.checkpoint, shape, options.log);
  try {
    const inputs = samples.map(({ data }): TestSample => ({ img: data, label: -1 }));
    const logits =
      options.on === 'host' ? onHost(trained, inputs, shape) : await onDevice(trained, inputs, options);
    return files.map((file, i) => told(file, logits[i] ?? new Float32Array(0), dataset.CLASSES));
  } finally {
    trained.classifier.dispose();
  }
}

/** A recording as a data set would list it. */
const recording = (file: string): Sample =>
  path.extname(file).toLowerCase() === '.npy'
    ? { img: loadNpy(file), gt_label: 0 }
    : { file: path.resolve(file), gt_label: 0 };

function onHost({ classifier }: Trained, inputs: readonly TestSample[], shape: readonly number[]) {
  return inputs.map(({ img }) =>
    tf.tidy(() => {
      const x = tf.tensor(Float32Array.from(img), [1, ...shape]);
      return Float32Array.from(classifier.forward(x).dataSync());
    }),
  );
}

/** Compiles into a folder that is gone afterwards, and runs there. */
async function onDevice(trained: Trained, inputs: readonly TestSample[], { device }: PredictOptions) {
  const [first] = inputs;
  if (!first) return [];
  const folder = mkdtempSync(path.join(tmpdir(), 'bidl-predict-'));
  const driver = await openSimulator();
  try {
    const inputType = inputs.every((input) => fittingType(input) === 'uint8') ? 'uint8' : 'float32';
    const steps = trained.classifier.backbone.inputs[0]?.shape[1] ?? 1;
    const samples = [bySteps(first, inputType, steps, (values) => Uint16Array.from(values))];
    const source = { model: trained.classifier.backbone, ...trained, samples };
    await compileApu(source, { inputType }, path.join(folder, 'artifact'));
    const apu = openApu(readArtifact(path.join(folder, 'artifact')), driver, device);
    try {
      return await apu.run(inputs);
    } finally {
      await apu.dispose();
    }
  } finally {
    driver.close();
    rmSync(folder, { recursive: true, force: true });
  }
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
