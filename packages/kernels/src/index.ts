export {
  type BuildOptions,
  buildOps,
  buildPlan,
  type BuildPlanOptions,
  type Built,
  opsPath,
  planPath,
} from './build.js';
export { KernelError } from './errors.js';
export { loadOps, type OpsInfo, type OpsLibrary } from './load.js';
export {
  buildNeurons,
  buildNeuronSync,
  type NeuronBuild,
  type NeuronBuildOptions,
  neuronPath,
} from './neurons/build.js';
export { neuronName } from './neurons/library.js';
export {
  type PlanField,
  type PlanFormat,
  type PlanGraph,
  type PlanNode,
  type PlanProgram,
} from './plan/graph.js';
export { lowerGraph } from './plan/lower.js';
export {
  type Bytes,
  COMMANDS,
  createPlan,
  type DeviceListener,
  loadPlan,
  type Plan,
  type PlanLibrary,
  preparePlan,
} from './plan/library.js';
export { nativeDir, sourceHash } from './sources.js';
