import path from 'node:path';
import type { tf } from '@bidl/engine';
import {
  folderManifestSchema,
  matchManifest,
  readFolder,
  sealFolder,
  writeFolder,
  type ArtifactOrigin,
  type ElementType,
  type FolderKind,
  type FolderManifest,
  type StepGraph,
} from '@bidl/graph';
import { z } from 'zod';
import { ARTIFACT_ROOT, artifactName } from '../apu/artifact-name.js';
import { capture } from '../capture/capture.js';
import { optimise } from '../passes/optimise.js';
import { assertDesign } from '../rules/design-rules.js';
import { ONNX } from '../rules/targets.js';
import { VERSION } from '../version.js';
import { sequenceModel, stepModel } from './models.js';

/** How a network is written as ONNX. */
export interface OnnxOptions {
  readonly inputType?: ElementType;
  readonly storage?: 'float32' | 'float16';
  readonly foldNorm?: boolean;
  readonly timesteps?: number;
}

export interface OnnxSource {
  readonly model: tf.LayersModel;
  readonly config: { readonly name: string; readonly hash: string };
  readonly checkpoint: { readonly hash: string };
}

/** Names of the files in an ONNX folder. */
export const ONNX_FILES = {
  step: 'step.onnx',
  sequence: 'sequence.onnx',
  manifest: 'manifest.json',
} as const;

const schema = folderManifestSchema.extend({ format: z.literal('bidl-onnx'), version: z.literal(2) });

/** The folder of a network as ONNX: its two models, and where they come from. */
const ONNX_FOLDER: FolderKind<FolderManifest> = {
  manifest: ONNX_FILES.manifest,
  format: 'bidl-onnx',
  version: 2,
  schema,
  listProblem: (listed) => {
    const models: readonly string[] = [ONNX_FILES.step, ONNX_FILES.sequence];
    const missing = models.find((name) => !listed.includes(name));
    if (missing !== undefined) return { file: missing, what: 'is not in the manifest' };
    const odd = listed.find((name) => !models.includes(name));
    return odd === undefined
      ? undefined
      : { file: ONNX_FILES.manifest, what: `names "${odd}", which no ONNX folder has` };
  },
};

/** The graph that the ONNX files hold. @throws CompileError for a network that can't be compiled. */
export function compileOnnxGraph(
  model: tf.LayersModel,
  options: OnnxOptions = {},
): { readonly captured: StepGraph; readonly graph: StepGraph } {
  const { timesteps, ...passes } = options;
  const captured = capture(model, { timesteps });
  const graph = optimise(captured, { ...passes, fuse: false });
  assertDesign(graph, { target: ONNX, batch: 1 });
  return { captured, graph };
}

/** The folder that a config's ONNX files go to. */
export const onnxFolder = (config: string, out?: string): string =>
  path.resolve(out ?? path.join(ARTIFACT_ROOT, `${artifactName(config)}_onnx`));

/**
 * Writes a network as `step.onnx` (one step, state in and out) and `sequence.onnx` (a whole sample, state inside),
 * with a manifest that names config and checkpoint by hash. The same network gives the same bytes.
 *
 * @throws CompileError for a network that can't be compiled, ArtifactError when the folder can't be written.
 */
export async function compileOnnx(
  source: OnnxSource,
  options: OnnxOptions = {},
  out?: string,
): Promise<{ readonly captured: StepGraph; readonly graph: StepGraph; readonly folder: string }> {
  const { model, config, checkpoint } = source;
  const compiled = compileOnnxGraph(model, options);
  const folder = onnxFolder(config.name, out);
  const { inputType = 'float32', storage = 'float32', foldNorm = true } = options;
  const about = {
    producer: { name: '@bidl/compile', version: VERSION },
    config: config.hash,
    checkpoint: checkpoint.hash,
    target: { name: 'onnx', options: { inputType, storage, foldNorm } },
    timesteps: compiled.graph.timesteps,
  };
  const models = new Map([
    [ONNX_FILES.step, stepModel(compiled.graph)],
    [ONNX_FILES.sequence, sequenceModel(compiled.graph)],
  ] as const);
  await writeFolder(folder, sealFolder(ONNX_FOLDER, about, models), ONNX_FOLDER);
  return { ...compiled, folder };
}

/**
 * Reads an ONNX folder, verifies all of it, and makes sure that it was made from what is given.
 *
 * @returns its manifest; the options it was made with are under `target.options`
 * @throws ArtifactError that names the file, or says what differs.
 */
export function readOnnxFolder(folder: string, origin: ArtifactOrigin = {}): FolderManifest {
  const { manifest } = readFolder(folder, ONNX_FOLDER);
  matchManifest(manifest, { folder, file: ONNX_FOLDER.manifest }, origin);
  return manifest;
}
