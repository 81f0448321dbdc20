import { resolve } from 'node:path';
import { startEngine, type EngineInfo } from '@bidl/engine';
import type { LoadedConfig, RunConfig } from '@bidl/config';
import { applyWeights } from './checkpoint/apply.js';
import { readCheckpoint } from './checkpoint/read.js';
import { evaluate } from './loop/evaluate.js';
import type { Reporter } from './reporter.js';
import { named } from './run-config.js';
import { classifierOf, DEFAULT_SEED, loaderOf } from './wiring.js';

export interface TestOptions {
  /** Path of the checkpoint to test. */
  readonly checkpoint: string;
  readonly reporter?: Reporter | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a test found. */
export interface TestResult {
  readonly config: string;
  readonly checkpoint: string;
  readonly samples: number;
  /** Percent of all samples. */
  readonly top1: number;
  readonly top5: number;
  /** Frames a second, loading included: samples times time steps over seconds, as upstream counts. */
  readonly fps: number;
  readonly engine: EngineInfo;
}

/**
 * Test a checkpoint on `data.test` of a config. Prints nothing.
 *
 * @throws ConfigError without `data.test`, CheckpointMismatchError for the checkpoint of another network.
 */
export async function test(config: RunConfig | LoadedConfig, options: TestOptions): Promise<TestResult> {
  const run = named(config);
  const checkpoint = readCheckpoint(options.checkpoint);
  const seed = checkpoint.meta?.seed ?? DEFAULT_SEED;
  const log = (line: string) => options.reporter?.onLog?.(line);
  const engine = await startEngine({ warn: log, log });
  const loader = await loaderOf(run, 'test', { training: false, seed });
  try {
    const classifier = classifierOf(run, loader.sampleShape, seed);
    try {
      const report = applyWeights(classifier, checkpoint);
      if (report)
        options.reporter?.onLog?.(
          `${options.checkpoint}: PyTorch weights, ${report.mapped.length} taken, ${report.ignored.length} of no use here`,
        );
      const found = await evaluate(classifier, loader, {
        signal: options.signal,
        onBatch: (done, batches, running) =>
          options.reporter?.onEvaluate?.({ phase: 'test', done, batches, running }),
      });
      const steps = loader.sampleShape[0] ?? 1;
      return {
        config: run.name,
        checkpoint: resolve(options.checkpoint),
        samples: found.samples,
        top1: found.top1,
        top5: found.top5,
        fps: found.seconds > 0 ? (found.samples * steps) / found.seconds : 0,
        engine,
      };
    } finally {
      classifier.dispose();
    }
  } finally {
    await loader.close();
  }
}
