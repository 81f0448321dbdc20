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
