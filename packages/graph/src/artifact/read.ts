import { basename, dirname, resolve } from 'node:path';
import type { NdArray } from '@bidl/formats';
import { checkGraph } from '../check.js';
import { GraphError, type StepGraph } from '../graph.js';
import { graphOutlineSchema } from '../schema.js';
import { type Check, checkSizes, splitInputs, splitOutputs } from './checks.js';
import { readStateArea, type StateArea } from './chip.js';
import { ArtifactError, RECOMPILE } from './error.js';
import { parseJson, readFolder } from './folder.js';
import { FILES } from './layout.js';
import { ARTIFACT, type Manifest } from './manifest.js';
import { type StateTable, stateTable } from './state-table.js';
import { unpackWeights } from './weights.js';

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
  const { manifest, files } = readFolder(folder, ARTIFACT);
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

function readGraph(folder: string, take: (file: string) => Uint8Array): StepGraph {
  const parsed = graphOutlineSchema.safeParse(parseJson(take(FILES.graph)));
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
        { cause: error },
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
