import {
  apuFolder,
  capture,
  compileApu,
  compileOnnx,
  compileOnnxGraph,
  compilerVersion,
  onnxFolder,
  readOnnxFolder,
  type ChipOptions,
} from '@bidl/compile';
import type { LoadedConfig, RunConfig } from '@bidl/config';
import {
  matchArtifact,
  readArtifact,
  type ElementType,
  type StatePlacement,
  type StepGraph,
} from '@bidl/graph';
import { named } from '@bidl/runner';

import { DeployError } from './errors.js';
import { bySteps, firstSamples, fittingType, type TestSample } from './samples.js';
import { openTestSplit, openTrained, type Trained } from './trained.js';
import { using } from './using.js';

/** What to compile, and how. The chip's options are those of `@bidl/compile`. */
export interface CompileOptions extends ChipOptions {
  /** The trained weights. */
  readonly checkpoint: string;
  /** Default `apu`. */
  readonly target?: 'apu' | 'onnx';
  /** How frames are handed in. Default: bytes where the samples fit into them, else float32. */
  readonly inputType?: ElementType;
  /** How weights and states are kept. Default float32. */
  readonly storage?: 'float32' | 'float16';
  /** The artifact's folder. Default: upstream's place, `model_files/classification/<Name>`. */
  readonly out?: string;
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** @throws DeployError for options that don't go together; before anything is read. */
export function checkOptions({ target, version, mode, multinet, postMode }: CompileOptions): void {
  if (target !== 'onnx') return;
  const given = Object.entries({ version, mode, multinet, postMode }).find(
    ([, value]) => value !== undefined,
  );
  if (!given) return;
  throw new DeployError(
    `option ${given[0]} is about the chip, and target onnx has none of it: leave it out, or take target apu`,
  );
}

/** A compiled network: where it lies, and how it was compiled. */
export interface Compiled {
  readonly folder: string;
  readonly target: 'apu' | 'onnx';
  readonly inputType: ElementType;
  readonly storage: 'float32' | 'float16';
  readonly graph: StepGraph;
  /** Where the states lie on the chip; undefined for another target. */
  readonly placement?: StatePlacement;
  /** The graph before any pass. */
  readonly captured: StepGraph;
}

/**
 * Compiles a trained network and writes the artifact.
 *
 * @throws ConfigError, CheckpointError, CheckpointMismatchError; CompileError for a network that can't be compiled;
 * ArtifactError when the folder can't be written; DeployError for options that don't go together
 *
 * @example
 * const { folder } = await compile(await loadConfig('clif3fc3dm_itout-b16x2-nmnist'), { checkpoint });
 */
export async function compile(config: RunConfig | LoadedConfig, options: CompileOptions): Promise<Compiled> {
  checkOptions(options);
  const run = named(config);
  const { checkpoint, batch = 1, log = () => undefined } = options;
  const loader = await openTestSplit(run, 0);
  return using(
    loader,
    () => loader.close(),
    async () => {
      const trained = await openTrained(run, checkpoint, loader.sampleShape, log);
      return using(
        trained.classifier,
        (classifier) => classifier.dispose(),
        async () => writeCompiled(trained, options, await firstSamples(loader, batch)),
      );
    },
  );
}

/** Compiles a network that is open already. `first`: real samples, with which an artifact checks itself. */
export async function writeCompiled(
  trained: Trained,
  options: CompileOptions,
  first: readonly TestSample[],
): Promise<Compiled> {
  const { target = 'apu', storage = 'float32', inputType = fittingType(first), out, log, signal } = options;
  const { batch = 1, version, mode, multinet, postMode } = options;
  const source = { model: trained.classifier.backbone, ...trained };
  const how = { inputType, storage };
  signal?.throwIfAborted();
  if (target === 'onnx') {
    return { ...(await compileOnnx(source, how, out)), target, ...how };
  }
  const chip = { batch, version, mode, multinet, postMode };
  if (version === 0 && compilerVersion(chip) === 1) {
    log?.('a batch above 1 and states in GLB need version 1 of the model format: --v 1 is taken');
  }
  const [timesteps = 1] = trained.inputShape;
  const samples = first.slice(0, batch).map((sample) => bySteps(sample, inputType, timesteps));
  const { settings, ...compiled } = await compileApu({ ...source, samples }, { ...how, ...chip }, out);
  return { ...compiled, placement: settings.placement, target, ...how };
}

/**
 * The artifact that is there.
 *
 * @throws ArtifactError unless it is whole, of this version, and of this config, checkpoint and these options. Options
 * that are left out may be anything.
 */
export function readCompiled(trained: Trained, options: CompileOptions): Compiled {
  const { target = 'apu', storage, inputType, out } = options;
  const { batch = 1, version, mode, multinet, postMode } = options;
  const { backbone } = trained.classifier;
  const [timesteps] = trained.inputShape;
  const origin = { config: trained.config.hash, checkpoint: trained.checkpoint.hash, timesteps };
  if (target === 'onnx') {
    const folder = onnxFolder(trained.config.name, out);
    const manifest = readOnnxFolder(folder, { ...origin, options: { storage, inputType } });
    const made = madeAs(manifest.target.options);
    const foldNorm = manifest.target.options['foldNorm'] !== false;
    return { folder, target, ...made, ...compileOnnxGraph(backbone, { ...made, foldNorm }) };
  }
  const artifact = readArtifact(apuFolder(trained.config.name, { batch }, out));
  const asked = version === undefined ? undefined : compilerVersion({ batch, mode, version });
  const asOptions = { storage, inputType, mode, multinet, postMode, version: asked };
  matchArtifact(artifact, { ...origin, batch, options: asOptions });
  return {
    folder: artifact.dir,
    target,
    ...madeAs(artifact.manifest.target.options),
    graph: artifact.graph,
    placement: artifact.stateArea,
    captured: capture(backbone, { timesteps }),
  };
}

/** The options that an artifact was made with; its manifest has been verified. */
const madeAs = (options: Readonly<Record<string, unknown>>): Pick<Compiled, 'inputType' | 'storage'> => ({
  inputType: options['inputType'] as ElementType,
  storage: options['storage'] as Compiled['storage'],
});
