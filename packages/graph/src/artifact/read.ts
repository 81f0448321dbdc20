import { lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError, FormatError, type NdArray, readBytes } from '@bidl/formats';
import { z } from 'zod';
import { checkGraph } from '../check.js';
import { GraphError, type StepGraph } from '../graph.js';
import { graphOutlineSchema } from '../schema.js';
import { canonicalJson, sha256 } from './canonical.js';
import { type Check, checkSizes, splitInputs, splitOutputs } from './checks.js';
import { ArtifactError, RECOMPILE } from './error.js';
import { FILES, MANIFEST, MODEL_FILE } from './layout.js';
import {
  ARTIFACT_FORMAT,
  ARTIFACT_VERSION,
  type Manifest,
  manifestHash,
  manifestSchema,
} from './manifest.js';
import { type StateTable, stateTable } from './state-table.js';
import { unpackWeights } from './weights.js';

/** A piece of device memory: `addr` relative to where the driver puts the model's states, `size` in bytes. */
export interface StateArea {
  readonly addr: number;
  readonly size: number;
}

/** A verified artifact. */
export interface Artifact {
  /** Absolute path of its folder. */
  readonly dir: string;
  readonly manifest: Manifest;
  readonly graph: StepGraph;
  /** Samples that run together. */
  readonly batch: number;
  /** Where the states of the whole batch lie, and how. */
  readonly stateArea: StateArea;
  readonly stateTable: StateTable;
  /** One real sample, and a whole batch, each with what must come out. */
  readonly checks: { readonly case0: Check; readonly batch: Check };
}

const MOST_BYTES = 2 ** 24;
const GIVE_IT_BACK = `the file was changed or damaged after compiling: copy the artifact again, or ${RECOMPILE}`;

const chipSchema = z.object({
  apu_x: z.object({
    batch_size: z.int().min(1),
    n_slice: z.int().min(1),
    userload: z.object({ info: z.tuple([z.object({ addr: z.int().min(0), size: z.int().min(0) })]) }),
  }),
});

/**
 * Reads an artifact and verifies all of it: the manifest's own hash, the checksum of every file, that none is missing
 * or foreign, and that the graph is sound.
 *
 * @param path the artifact's folder, or `Net_0` inside it (what the SDK calls a model's path)
 * @throws ArtifactError that names the file at fault and the remedy
 */
export function readArtifact(path: string): Artifact {
  const given = resolve(path);
  const folder = basename(given) === 'Net_0' ? dirname(given) : given;
  const manifest = readManifest(folder);
  compareFileList(folder, manifest);
  const files = new Map(
    Object.entries(manifest.files).map(([file, { bytes, sha256: expected }]) => {
      const content = readFile(folder, file, bytes);
      if (content.length !== bytes) {
        throw new ArtifactError(
          { folder, file },
          `has ${content.length} bytes instead of ${bytes}`,
          GIVE_IT_BACK,
        );
      }
      if (sha256(content) !== expected)
        throw new ArtifactError({ folder, file }, 'the checksum differs', GIVE_IT_BACK);
      return [file, content];
    }),
  );
  const take = (file: string) => files.get(file) ?? new Uint8Array();
  const graph = readGraph(folder, take);
  const { batch } = manifest;
  if (graph.timesteps !== manifest.timesteps) {
    throw new ArtifactError(
      { folder, file: FILES.graph },
      `has ${graph.timesteps} step(s), the manifest ${manifest.timesteps}`,
      RECOMPILE,
    );
  }
  return {
    dir: folder,
    manifest,
    graph,
    batch,
    stateArea: readStateArea(folder, take(FILES.chip), graph, batch),
    stateTable: stateTable(graph),
    checks: {
      case0: readCheck(folder, graph, 1, take, {
        input: FILES.caseInput,
        output: FILES.caseOutput,
        last: FILES.caseState,
      }),
      batch: readCheck(folder, graph, batch, take, {
        input: FILES.batchInput,
        output: FILES.batchOutput,
        first: FILES.batchFirstState,
        last: FILES.batchLastState,
      }),
    },
  };
}

function readFile(folder: string, file: string, maxBytes: number): Uint8Array {
  try {
    return readBytes(join(folder, file), { maxBytes });
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') {
      throw new ArtifactError({ folder, file }, 'is missing', GIVE_IT_BACK, { cause: error });
    }
    if (error instanceof FormatError) {
      throw new ArtifactError({ folder, file }, `is larger than ${maxBytes} bytes`, GIVE_IT_BACK, {
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArtifactError({ folder, file }, `cannot be read (${reason})`, 'check its permissions', {
      cause: error,
    });
  }
}

function readManifest(folder: string): Manifest {
  const place = { folder, file: MANIFEST };
  if (!lstatSync(folder, { throwIfNoEntry: false })) {
    throw new ArtifactError(
      { folder },
      'there is no such artifact',
      'compile it first (bidl compile), or check the path',
    );
  }
  const bytes = readFile(folder, MANIFEST, MOST_BYTES);
  const text = new TextDecoder().decode(bytes);
  const data = parseJson(text);
  const head = z.object({ format: z.string(), version: z.int() }).safeParse(data);
  if (!head.success || head.data.format !== ARTIFACT_FORMAT) {
    throw new ArtifactError(place, 'is no manifest of an artifact that this library compiled', RECOMPILE);
  }
  if (head.data.version !== ARTIFACT_VERSION) {
    throw new ArtifactError(
      place,
      `the artifact has format version ${head.data.version}, this library reads version ${ARTIFACT_VERSION}`,
      `${RECOMPILE} with this version, or read it with the one that made it`,
    );
  }
  const parsed = manifestSchema.safeParse(data);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new ArtifactError(place, `${path.join('.')} ${message}`, GIVE_IT_BACK);
  }
  const { hash, ...rest } = parsed.data as Manifest;
  if (manifestHash(rest) !== hash || !sameBytes(bytes, canonicalJson({ ...rest, hash }))) {
    throw new ArtifactError(place, 'does not agree with its own hash', GIVE_IT_BACK);
  }
  return { ...rest, hash };
}

const sameBytes = (bytes: Uint8Array, text: string) => Buffer.compare(bytes, Buffer.from(text)) === 0;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Nothing foreign, nothing but plain files and folders, and every file that an artifact has. */
function compareFileList(folder: string, manifest: Manifest): void {
  const listed = new Set([...Object.keys(manifest.files), MANIFEST]);
  const models = [...listed].filter((file) => MODEL_FILE.test(file));
  for (const file of Object.values(FILES)) {
    if (!listed.has(file)) throw new ArtifactError({ folder, file }, 'is not in the manifest', RECOMPILE);
  }
  const known = new Set<string>([...Object.values(FILES), ...models, MANIFEST]);
  const odd = [...listed].find((file) => !known.has(file));
  if (odd !== undefined || models.length !== 1) {
    const what = odd === undefined ? `names ${models.length} .mdl files instead of one` : `names "${odd}"`;
    throw new ArtifactError({ folder, file: MANIFEST }, `${what}, which no artifact has`, RECOMPILE);
  }
  const foreign = strangers(folder, '', known)[0];
  if (foreign !== undefined) {
    throw new ArtifactError(
      { folder, file: foreign },
      'does not belong to the artifact',
      `remove it, or ${RECOMPILE}`,
    );
  }
}

/** Entries that are neither known files nor folders on the way to one. */
function strangers(folder: string, under: string, known: ReadonlySet<string>): string[] {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) => {
    const path = `${under}${entry.name}`;
    if (entry.isFile()) return known.has(path) ? [] : [path];
    const leads = entry.isDirectory() && [...known].some((file) => file.startsWith(`${path}/`));
    return leads ? strangers(folder, `${path}/`, known) : [path];
  });
}

function readGraph(folder: string, take: (file: string) => Uint8Array): StepGraph {
  const parsed = graphOutlineSchema.safeParse(parseJson(new TextDecoder().decode(take(FILES.graph))));
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new ArtifactError({ folder, file: FILES.graph }, `${path.join('.')} ${message}`, RECOMPILE);
  }
  const weights: [string, NdArray<Float32Array>][] = [];
  for (const file of [FILES.synapses, FILES.parameters]) {
    try {
      weights.push(...unpackWeights(take(file)));
    } catch (error) {
      throw new ArtifactError(
        { folder, file },
        error instanceof Error ? error.message : String(error),
        RECOMPILE,
        {
          cause: error,
        },
      );
    }
  }
  try {
    return checkGraph({ ...parsed.data, weights: Object.fromEntries(weights) });
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new ArtifactError({ folder, file: FILES.graph }, error.message, RECOMPILE, { cause: error });
  }
}

function readStateArea(folder: string, bytes: Uint8Array, graph: StepGraph, batch: number): StateArea {
  const place = { folder, file: FILES.chip };
  const chip = chipSchema.safeParse(parseJson(new TextDecoder().decode(bytes)));
  if (!chip.success) throw new ArtifactError(place, 'lacks batch_size, n_slice or userload', RECOMPILE);
  const { batch_size, n_slice, userload } = chip.data.apu_x;
  if (batch_size !== batch || n_slice !== batch) {
    throw new ArtifactError(
      place,
      `batch_size ${batch_size} and n_slice ${n_slice} must both be the manifest's batch ${batch}`,
      RECOMPILE,
    );
  }
  const [area] = userload.info;
  const size = batch * stateTable(graph).bytesPerSample;
  if (area.size !== size) {
    throw new ArtifactError(
      place,
      `the state area has ${area.size} bytes, the graph needs ${size}`,
      RECOMPILE,
    );
  }
  return area;
}

interface CheckFiles {
  readonly input: string;
  readonly output: string;
  readonly first?: string;
  readonly last: string;
}

function readCheck(
  folder: string,
  graph: StepGraph,
  n: number,
  take: (file: string) => Uint8Array,
  files: CheckFiles,
): Check {
  const sizes = checkSizes(graph, n);
  const sized = (file: string, size: number) => {
    const bytes = take(file);
    if (bytes.length === size) return bytes;
    throw new ArtifactError(
      { folder, file },
      `has ${bytes.length} bytes, the graph needs ${size}`,
      RECOMPILE,
    );
  };
  return {
    n,
    inputs: splitInputs(graph, sized(files.input, sizes.input), n),
    outputs: splitOutputs(graph, sized(files.output, sizes.output), n),
    ...(files.first === undefined ? {} : { firstState: sized(files.first, sizes.state) }),
    lastState: sized(files.last, sizes.state),
  };
}
