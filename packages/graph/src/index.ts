export {
  GraphError,
  type AttributeValue,
  type Attributes,
  type ElementType,
  type GraphInput,
  type GraphOutput,
  type Node,
  type StateSlot,
  type StepGraph,
  type ValueType,
} from './graph.js';
export {
  inferType,
  isOpName,
  OP_NAMES,
  OPS,
  opSpec,
  type Operand,
  type OperandKind,
  type OpName,
  type OpSpec,
} from './ops/table.js';
export { broadcastShape, windowedSize, type Padding, type Window } from './ops/geometry.js';
export {
  graphOutlineSchema,
  nodeSchema,
  parseGraph,
  stateSlotSchema,
  stepGraphSchema,
  valueTypeSchema,
  type GraphOutline,
} from './schema.js';
export { checkGraph, graphProblems } from './check.js';
export { graphParts, type GraphPart } from './parts.js';
export {
  graphBuilder,
  type ConvOptions,
  type GraphBuilder,
  type NodePlace,
  type PoolOptions,
  type ValueRef,
} from './build/builder.js';
export { graphOps, traceNeuron, type FoldedNorm, type GraphOpsOptions } from './build/graph-ops.js';
export { halfBits, isExactHalf, roundToHalf, toHalfBits } from './ops/half.js';
export {
  createExecutor,
  type Executor,
  type ExecutorState,
  type ExecutorStep,
  type InputNumbers,
} from './executor/executor.js';
export { runSequence, type SequenceRun } from './executor/run.js';
export {
  nodeMacs,
  shapesOf,
  summarize,
  type Cost,
  type GraphSummary,
  type LayerCost,
} from './print/summary.js';
export { printGraph } from './print/text.js';
export { ArtifactError } from './artifact/error.js';
export { canonicalJson, sha256, type Json } from './artifact/canonical.js';
export { FILES as ARTIFACT_FILES, MANIFEST, modelFile } from './artifact/layout.js';
export { ARTIFACT_VERSION, type Manifest } from './artifact/manifest.js';
export { artifactFiles, type ArtifactSource } from './artifact/contents.js';
export { writeArtifact, writeFolder } from './artifact/write.js';
export { readArtifact, type Artifact } from './artifact/read.js';
export { GLB_BYTES, type StateArea, type StatePlacement } from './artifact/chip.js';
export {
  folderManifestSchema,
  readFolder,
  sealFolder,
  type FolderContents,
  type FolderKind,
  type FolderManifest,
} from './artifact/folder.js';
export { selfCheck, type CheckDifference, type SelfCheck } from './artifact/self-check.js';
export { matchArtifact, matchManifest, type ArtifactOrigin } from './artifact/match.js';
export { type Check, type Sample } from './artifact/checks.js';
export {
  packStates,
  sameStates,
  STATE_ALIGNMENT,
  stateTable,
  unpackStates,
  type StateEntry,
  type StateTable,
} from './artifact/state-table.js';
export { graphSvg, type SvgOptions } from './print/svg.js';
