import { checkGraph } from '../check.js';
import { createExecutor } from '../executor/executor.js';
import { GraphError, type StepGraph } from '../graph.js';
import { OP_NAMES, opSpec } from '../ops/table.js';
import { summarize } from '../print/summary.js';
import { printGraph } from '../print/text.js';
import { jsonBytes, type Json, sha256, textBytes, words } from './canonical.js';
import { makeCheck, type Sample } from './checks.js';
import { ANYWHERE, chipBytes, type StatePlacement } from './chip.js';
import { sealFolder } from './folder.js';
import { FILES, modelFile } from './layout.js';
import { ARTIFACT, ARTIFACT_VERSION } from './manifest.js';
import { packStates, STATE_ALIGNMENT, stateTable } from './state-table.js';
import { type Transfer, transfers } from './transfers.js';
import { packWeights, splitWeights } from './weights.js';

/** What an artifact is made from. */
export interface ArtifactSource {
  readonly graph: StepGraph;
  /** Samples that run together; default 1. */
  readonly batch?: number;
  readonly producer: { readonly name: string; readonly version: string };
  /** SHA-256, in hex, of the configuration and of the checkpoint. */
  readonly config: string;
  readonly checkpoint: string;
  readonly target: { readonly name: string; readonly options: Readonly<Record<string, Json>> };
  /** Where the states lie; by default in DDR, wherever there is room. */
  readonly placement?: StatePlacement;
  /** Real samples, one at least; what the network makes of them goes in too. */
  readonly samples: readonly Sample[];
}

/**
 * Every file of an artifact by its path. A function of its argument only: no clock, no paths, no order of keys.
 *
 * @throws GraphError for an unsound graph, or samples that do not fit it
 */
export function artifactFiles(source: ArtifactSource): Map<string, Uint8Array> {
  const { graph, batch = 1, producer, config, checkpoint, target, samples, placement = ANYWHERE } = source;
  checkGraph(graph);
  if (!Number.isSafeInteger(batch) || batch < 1)
    throw new GraphError(`batch ${batch}: give a whole number from 1 on`);
  const executor = createExecutor(graph);
  const single = makeCheck(graph, executor, samples, 1);
  const batched = makeCheck(graph, executor, samples, batch);
  const { synapses, parameters } = splitWeights(graph);
  const table = stateTable(graph);

  const files = new Map<string, Uint8Array>([
    [FILES.topGraph, topGraph(graph, batch)],
    [FILES.library, library(graph)],
    [FILES.graph, outline(graph)],
    [FILES.log, textBytes(printGraph(graph))],
    [FILES.chip, chipBytes(graph, batch, placement)],
    [FILES.commands, commands(graph)],
    [FILES.synapses, packWeights(synapses)],
    [FILES.parameters, packWeights(parameters)],
    [FILES.stateConfig, words([table.bytesPerSample, STATE_ALIGNMENT, batch, table.entries.length])],
    [FILES.initialState, packStates(table, executor.initialState(1), 1)],
    [FILES.stateAccess, stateAccess(graph)],
    [FILES.stateTable, jsonBytes(table)],
    [FILES.transfers, jsonBytes(transfers(graph))],
    [FILES.layers, jsonBytes(summarize(graph))],
    [FILES.sequence, words([graph.timesteps, batch, graph.nodes.length, 1])],
    [FILES.caseInput, single.input],
    [FILES.caseOutput, single.output],
    [FILES.caseState, single.lastState],
    [FILES.batchAbout, jsonBytes({ samples: batch, timesteps: graph.timesteps, ...transfers(graph) })],
    [FILES.batchInput, batched.input],
    [FILES.batchOutput, batched.output],
    [FILES.batchFirstState, batched.firstState],
    [FILES.batchLastState, batched.lastState],
  ]);
  const model = modelIdentity(files, batch);
  files.set(modelFile(sha256(model).slice(0, 32)), model);

  const { name, timesteps } = graph;
  return sealFolder(ARTIFACT, { name, producer, config, checkpoint, target, timesteps, batch }, files);
}

/** The graph without its weights. */
function outline({
  format,
  version,
  name,
  timesteps,
  inputs,
  outputs,
  nodes,
  states,
}: StepGraph): Uint8Array {
  return jsonBytes({ format, version, name, timesteps, inputs, outputs, nodes, states });
}

/** What goes in and out, under the keys that upstream's tools read; the shape is text and lacks the batch. */
function topGraph(graph: StepGraph, batch: number): Uint8Array {
  const { inputs, outputs } = transfers(graph);
  const described = (values: readonly Transfer[]) =>
    Object.fromEntries(
      values.map(({ name, shape, dtype }) => [name, { shape: shape.join(','), dtype, batch }]),
    );
  return jsonBytes({ main: { inputs: described(inputs), outputs: described(outputs) } });
}

/** The operations that the graph uses: their numbers in `cmd.bin`, operands and meaning. */
function library(graph: StepGraph): Uint8Array {
  const used = [...new Set(graph.nodes.map((node) => node.op))];
  const entries = used.map((op) => {
    const { operands, says } = opSpec(op);
    return [op, { code: OP_NAMES.indexOf(op), operands: operands.map(({ name }) => name), says }];
  });
  return jsonBytes({
    arithmetic: 'float32, fixed order, not fused, zeros skipped',
    operations: Object.fromEntries(entries),
  });
}

/** Values by number (inputs, then weights by name, then nodes); for each node: operation, operand count, operands. */
function commands(graph: StepGraph): Uint8Array {
  const names = [
    ...graph.inputs.map(({ name }) => name),
    ...Object.keys(graph.weights).sort(),
    ...graph.nodes.map(({ id }) => id),
  ];
  const number = new Map(names.map((name, i) => [name, i]));
  const program = graph.nodes.flatMap(({ op, inputs }) => [
    OP_NAMES.indexOf(op),
    inputs.length,
    ...inputs.map((id) => number.get(id) ?? 0),
  ]);
  return words([graph.nodes.length, ...program]);
}

/** For each state: which node loads it, which saves it. */
function stateAccess(graph: StepGraph): Uint8Array {
  const at = (op: string, key: string) =>
    graph.nodes.findIndex((node) => node.op === op && node.attrs.key === key);
  return words(graph.states.flatMap(({ key }) => [at('load', key), at('save', key)]));
}

/** What makes the model what it is; its hash is the file's name. */
function modelIdentity(files: ReadonlyMap<string, Uint8Array>, batch: number): Uint8Array {
  const hashOf = (path: string) => sha256(files.get(path) ?? '');
  return jsonBytes({
    format: 'bidl-model',
    version: ARTIFACT_VERSION,
    batch,
    graph: hashOf(FILES.graph),
    synapses: hashOf(FILES.synapses),
    parameters: hashOf(FILES.parameters),
  });
}
