export { capture, INPUT, OUTPUT, type CaptureOptions } from './capture/capture.js';
export { CompileError, describeFinding, type Finding } from './finding.js';
export { type Pass } from './passes/rewrite.js';
export { foldSynapticNorm } from './passes/fold-norm.js';
export { foldRecurrentNorm, stateScales } from './passes/fold-recurrent-norm.js';
export { foldConstants } from './passes/fold-constants.js';
export { deadCode } from './passes/dead-code.js';
export { fuseFireReset } from './passes/fuse-fire-reset.js';
export { inputAs, storeFloat16 } from './passes/store.js';
export { optimise, passesFor, type OptimiseOptions } from './passes/optimise.js';
export {
  compareForced,
  openComparison,
  type CompareOptions,
  type ForcedComparison,
} from './compare/teacher-forcing.js';
export { type LayerComparison } from './compare/layer-check.js';
export { referenceEngine, type StepEngine, type States } from './compare/step-engine.js';
export { APU, ONNX, type TargetLimits } from './rules/targets.js';
export {
  assertDesign,
  DESIGN_RULES,
  designFindings,
  type DesignContext,
  type DesignRule,
} from './rules/design-rules.js';
export { ARTIFACT_ROOT, artifactName } from './apu/artifact-name.js';
export {
  apuFolder,
  compileApu,
  compileGraph,
  type ApuOptions,
  type ApuSource,
  type CompiledApu,
} from './apu/compile-apu.js';
export {
  compilerVersion,
  STATE_MODES,
  type ChipOptions,
  type ChipSettings,
  type StateMode,
} from './apu/chip-options.js';
export { onnxShape } from './onnx/layout.js';
export { sequenceModel, stepModel } from './onnx/models.js';
export {
  compileOnnx,
  compileOnnxGraph,
  ONNX_FILES,
  onnxFolder,
  readOnnxFolder,
  type OnnxOptions,
  type OnnxSource,
} from './onnx/compile-onnx.js';
