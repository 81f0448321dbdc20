export type { Classifier, Correct, NamedVariable, SequenceState } from './classifier.js';
export { VERSION } from './version.js';

export { train, type TrainOptions, type TrainResult } from './train.js';
export { test, type TestOptions, type TestResult } from './test.js';
export { importCheckpoint, type ImportOptions, type ImportResult } from './import.js';
export type { EvaluationReport, IterReport, Reporter, RunDone, RunStart } from './reporter.js';
export { named, type NamedConfig } from './run-config.js';
export { classifierOf, DEFAULT_SEED, loaderOf, type LoaderUse } from './wiring.js';
export { workDirOf, WorkDirError } from './work-dir.js';

export { EpochBasedRunner, type Progress, type RunnerParts } from './loop/epoch-based-runner.js';
export { runners } from './loop/runners.js';
export type { Batch, Loader } from './loop/loader.js';
export { evaluate, type EvaluateOptions, type Evaluation } from './loop/evaluate.js';
export { InterruptedError, MemoryError, NonFiniteLossError, TruncationError } from './loop/errors.js';
export { Score, type BatchResult } from './loop/score.js';

export { hooks, MOMENTS, type Hook } from './hooks/hook.js';
export {
  BEST,
  checkpointHook,
  LATEST,
  type CheckpointHookOptions,
  type RunFacts,
} from './hooks/checkpoint-hook.js';
export { historyHook } from './hooks/history-hook.js';
export { clockTime, loggerHook } from './hooks/logger-hook.js';
export { lrHook } from './hooks/lr-hook.js';
export { optimizerHook } from './hooks/optimizer-hook.js';
export { validationHook } from './hooks/validation-hook.js';

export {
  createOptimizer,
  OptimizerError,
  optimizers,
  type Gradients,
  type LossAndGradients,
  type Objective,
  type Optimizer,
  type OptimizerGroup,
  type OptimizerState,
  type ParameterGroup,
} from './optimizers/optimizer.js';
export { ElementwiseOptimizer } from './optimizers/elementwise.js';
export {
  average,
  defineOptimizer,
  descend,
  optimizerKeys,
  penalised,
  weightDecay,
  type Scalars,
  type UpdateInput,
  type UpdateRule,
} from './optimizers/rule.js';
export { paramwiseSchema, type ParamwiseConfig } from './optimizers/paramwise.js';
export { clipGradNorm, type GradClip } from './optimizers/clip-grad-norm.js';

export {
  createSchedule,
  policies,
  ScheduleError,
  type EpochMetrics,
  type LrConfig,
  type Schedule,
  type ScheduleContext,
} from './schedules/schedule.js';
export { ClosedFormSchedule, registerClosedForm, type RateAt } from './schedules/closed-form.js';
export { registerTorch, TorchSchedule, type TorchPolicy } from './schedules/torch-schedule.js';
export { PlateauSchedule } from './schedules/plateau.js';
export { warmupFactor, type Warmup } from './schedules/warmup.js';

export { applyOptimizer, applyWeights } from './checkpoint/apply.js';
export { readCheckpoint, type Checkpoint } from './checkpoint/read.js';
export { encodeCheckpoint, type CheckpointFacts } from './checkpoint/encode.js';
export { CheckpointError, CheckpointMismatchError, type WeightDifference } from './checkpoint/errors.js';
export {
  CHECKPOINT_VERSION,
  type BestScore,
  type CheckpointMeta,
  type CheckpointProducer,
  type EpochRecord,
  type EpochScore,
} from './checkpoint/meta.js';

export { openRunLog, type LogLevel, type RunLog } from './logging/log-file.js';
