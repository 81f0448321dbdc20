export {
  type Context,
  DATA_TYPES,
  type DataType,
  type DeviceEvent,
  type DeviceProperties,
  type DevicePtr,
  type Driver,
  type ErrorMessage,
  type HostMemory,
  MEMCPY,
  type MemcpyDirection,
  type Model,
  type ModelDesc,
  type Stream,
  type TensorAttr,
} from './driver.js';
export { DriverError, InputError, LYN_ERRORS, type LynErrorName } from './errors.js';
export { type Fault } from './simulator/faults.js';
export { type Usage } from './simulator/holdings.js';
export { openSimulator, type Simulator, type SimulatorOptions } from './simulator/simulator.js';
export { ApuRun, type ApuRunOptions, type RunOutput } from './run/apu-run.js';
export { ApuRunSingle } from './run/apu-run-single.js';
export { soak, type SoakOptions, type SoakReport, type SoakTenth } from './run/soak.js';
export { type SampleData } from './run/layout.js';
export { openPlanExecutor, type PlanExecutor, type PlanStep } from './run/plan-executor.js';
export {
  ProfileError,
  profileGraph,
  type OperationProfile,
  type Profile,
  type ProfileOptions,
  type ProfileSample,
} from './profile/profile.js';
