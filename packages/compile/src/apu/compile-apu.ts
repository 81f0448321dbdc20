import path from 'node:path';
import type { tf } from '@bidl/engine';
import { writeArtifact, type ElementType, type Sample, type StepGraph } from '@bidl/graph';
import { capture } from '../capture/capture.js';
import { optimise } from '../passes/optimise.js';
import { assertDesign } from '../rules/design-rules.js';
import { APU } from '../rules/targets.js';
import { VERSION } from '../version.js';
import { ARTIFACT_ROOT, artifactName } from './artifact-name.js';
import { chipSettings, type ChipOptions, type ChipSettings } from './chip-options.js';

/** How a network is compiled; goes into the artifact's manifest. */
export interface ApuOptions extends ChipOptions {
  /** How frames are handed in. Default float32. */
  readonly inputType?: ElementType;
  /** How weights and states are kept. Default float32. */
  readonly storage?: 'float32' | 'float16';
  /** Fused fire, reset and decay (upstream's FIT). Default true. */
  readonly fuse?: boolean;
  /** BatchNorm into weights and state factors. Default true. */
  readonly foldNorm?: boolean;
  /** Steps of a sample, where the network leaves them open. */
  readonly timesteps?: number;
}

export interface ApuSource {
  /** The trained network. */
  readonly model: tf.LayersModel;
  /** Name of its config (names the folder), and the hash of what matters in it. */
  readonly config: { readonly name: string; readonly hash: string };
  /** Hash of the checkpoint's bytes. */
  readonly checkpoint: { readonly hash: string };
  /** Real samples, one at least: the artifact checks itself with them. */
  readonly samples: readonly Sample[];
}

export interface CompiledApu {
  /** The graph as captured, before any pass. */
  readonly captured: StepGraph;
  /** The graph that the artifact holds. */
  readonly graph: StepGraph;
  readonly settings: ChipSettings;
}

/**
 * The graph that an artifact would hold.
 *
 * @throws CompileError with every layer that can't be compiled, or every rule that is broken.
 */
export function compileGraph(model: tf.LayersModel, options: ApuOptions = {}): CompiledApu {
  const { batch = 1, timesteps, inputType, storage, fuse, foldNorm } = options;
  const captured = capture(model, { timesteps });
  const graph = optimise(captured, { inputType, storage, fuse, foldNorm });
  const settings = chipSettings(graph, options, APU);
  assertDesign(graph, { target: APU, batch, memory: settings.placement.memory });
  return { captured, graph, settings };
}

/** The folder that a config's artifact goes to: `out`, or upstream's place under the working folder. */
export const apuFolder = (config: string, { batch }: ApuOptions = {}, out?: string): string =>
  path.resolve(out ?? path.join(ARTIFACT_ROOT, artifactName(config, { batch })));

/**
 * Compiles a trained network for the chip and writes the artifact. The same network, config, checkpoint and samples
 * give the same bytes, wherever the folder lies.
 *
 * @param out the artifact's folder; default `model_files/classification/<name>` below the working folder
 * @returns the folder, and the graph in it
 * @throws CompileError for a network that can't be compiled, ArtifactError when the folder can't be written.
 *
 * @example
 * const { folder } = await compileApu({ model, config, checkpoint, samples }, { inputType: 'uint8' });
 */
export async function compileApu(
  source: ApuSource,
  options: ApuOptions = {},
  out?: string,
): Promise<CompiledApu & { readonly folder: string }> {
  const { model, config, checkpoint, samples } = source;
  const compiled = compileGraph(model, options);
  const { batch = 1, inputType = 'float32', storage = 'float32', fuse = true, foldNorm = true } = options;
  const { placement, ...chip } = compiled.settings;
  const folder = apuFolder(config.name, options, out);
  await writeArtifact(folder, {
    graph: compiled.graph,
    batch,
    producer: { name: '@bidl/compile', version: VERSION },
    config: config.hash,
    checkpoint: checkpoint.hash,
    target: { name: 'apu', options: { inputType, storage, fuse, foldNorm, ...chip } },
    placement,
    samples: samples.slice(0, batch),
  });
  return { ...compiled, folder };
}
