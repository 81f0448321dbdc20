import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { tf } from '@bidl/engine';
import { saveFile } from '@bidl/formats';
import { canonicalJson, sha256, type ElementType, type StepGraph } from '@bidl/graph';
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

const manifestSchema = z.strictObject({
  format: z.literal('bidl-onnx'),
  version: z.literal(1),
  producer: z.strictObject({ name: z.string(), version: z.string() }),
  config: z.string(),
  checkpoint: z.string(),
  options: z.record(z.string(), z.union([z.string(), z.boolean()])),
  timesteps: z.int().min(1),
  files: z.record(z.string(), z.string()),
});

/** Where an ONNX folder comes from, and the hash of each of its files. */
export type OnnxManifest = z.infer<typeof manifestSchema>;

/** An ONNX folder that is missing, damaged, or made from something else; the message names the file. */
export class OnnxFolderError extends Error {
  override readonly name = 'OnnxFolderError';
}

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
 * @throws CompileError for a network that can't be compiled.
 */
export async function compileOnnx(
  source: OnnxSource,
  options: OnnxOptions = {},
  out?: string,
): Promise<{ readonly captured: StepGraph; readonly graph: StepGraph; readonly folder: string }> {
  const compiled = compileOnnxGraph(source.model, options);
  const folder = onnxFolder(source.config.name, out);
  const step = stepModel(compiled.graph);
  const sequence = sequenceModel(compiled.graph);
  const { inputType = 'float32', storage = 'float32', foldNorm = true } = options;
  const manifest: OnnxManifest = {
    format: 'bidl-onnx',
    version: 1,
    producer: { name: '@bidl/compile', version: VERSION },
    config: source.config.hash,
    checkpoint: source.checkpoint.hash,
    options: { inputType, storage, foldNorm },
    timesteps: compiled.graph.timesteps,
    files: { [ONNX_FILES.step]: sha256(step), [ONNX_FILES.sequence]: sha256(sequence) },
  };
  await mkdir(folder, { recursive: true });
  await saveFile(path.join(folder, ONNX_FILES.step), step);
  await saveFile(path.join(folder, ONNX_FILES.sequence), sequence);
  await saveFile(path.join(folder, ONNX_FILES.manifest), new TextEncoder().encode(canonicalJson(manifest)));
  return { ...compiled, folder };
}

/**
 * Reads an ONNX folder's manifest and makes sure that its files are those it names, and that it was made from the
 * given config and checkpoint.
 *
 * @throws OnnxFolderError that names the file, or what it was made from.
 */
export function readOnnxFolder(
  folder: string,
  origin: { readonly config?: string; readonly checkpoint?: string } = {},
): OnnxManifest {
  const again = 'compile it again (--use-legacy 0)';
  const read = (name: string) => {
    try {
      return readFileSync(path.join(folder, name));
    } catch {
      throw new OnnxFolderError(`${path.join(folder, name)} can't be read; ${again}`);
    }
  };
  let manifest: OnnxManifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(read(ONNX_FILES.manifest).toString('utf8')));
  } catch (error) {
    if (error instanceof OnnxFolderError) throw error;
    throw new OnnxFolderError(`${path.join(folder, ONNX_FILES.manifest)} is no manifest of ours; ${again}`);
  }
  for (const name of [ONNX_FILES.step, ONNX_FILES.sequence]) {
    if (sha256(read(name)) === manifest.files[name]) continue;
    throw new OnnxFolderError(`${path.join(folder, name)} is not the file that was compiled; ${again}`);
  }
  for (const key of ['config', 'checkpoint'] as const) {
    if (origin[key] === undefined || origin[key] === manifest[key]) continue;
    throw new OnnxFolderError(`${folder} was compiled from another ${key}; ${again}`);
  }
  return manifest;
}
