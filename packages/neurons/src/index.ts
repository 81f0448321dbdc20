export { LayerError, StepError } from './errors.js';
export { seedFor } from './init/seed.js';
export { torchDefault, type Initializer } from './init/torch-default.js';
export { SOMA_NAMES, type SomaArg, type SomaName, type SomaParams, type SomaValue } from './layers/soma.js';
export { type SpikeFunc } from './layers/surrogate-arg.js';
export { EPSILON as NORM_EPSILON, type Running, type Statistics } from './layers/batch-norm.js';
export { isStateful, type State, type Stateful, type Stepped } from './layers/stateful.js';
export {
  SpikingLayer,
  type Form,
  type NormPlace,
  type Run,
  type RunOptions,
  type SpikingArgs,
} from './layers/spiking-layer.js';
export { Lif, Lif1d, Lif2d, type LifArgs } from './layers/lif.js';
export { FcLif, type FcLifArgs } from './layers/fc-lif.js';
export { Conv2dLif, type Conv2dLifArgs } from './layers/conv2d-lif.js';
export { OverTime } from './layers/over-time.js';
export { Aggregation, type AggregationArgs, type AggregationMode } from './layers/aggregation.js';
export { stepper, type NetworkState, type Stepper, type Watch } from './stepper/stepper.js';
export { walk, type Place, type Walk } from './stepper/walk.js';
export { layerWeights, namedWeights, type NamedVariable } from './weights/named-weights.js';
