export { DeployError } from './errors.js';
export { compile, type Compiled, type CompileOptions } from './compile.js';
export { deploy, type DeployOptions, type DeployResult } from './deploy.js';
export { predict, type Prediction, type PredictOptions } from './predict.js';
export { type HostDifference } from './host-comparison.js';
export { type Predictions } from './tally.js';
export { type Profile } from '@bidl/sdk-runtime';
