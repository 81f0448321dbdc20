export { LayerError, StepError } from './errors.js';
export { seedFor } from './init/seed.js';
export { torchDefault, type Initializer } from './init/torch-default.js';
export { type SomaArg, type SomaParams, type SomaValue } from './layers/soma.js';
export { NEURON_NAMES, type NeuronArg } from './layers/neuron-arg.js';
export { type SpikeFunc } from './layers/surrogate-arg.js';
export { NORM_EPSILON } from './layers/norm-weights.js';
export type { Running, Statistics } from '@bidl/engine';
export {
  isResumable,
  isStateful,
  type PartOptions,
  type Resumable,
  type State,
  type Stateful,
  type Stepped,
} from './layers/stateful.js';
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
export { LifPlus, LifPlus1d, LifPlus2d, type LifPlusLayerArgs } from './layers/lif-plus.js';
export { FcLifPlus, type FcLifPlusArgs } from './layers/fc-lif-plus.js';
export { Conv2dLifPlus, type Conv2dLifPlusArgs } from './layers/conv2d-lif-plus.js';
export {
  featuresOf,
  type LifPlusArgs,
  type LifPlusFeatureArgs,
  type NeuronConfig,
} from './layers/lif-plus-membrane.js';
export { Delay, type DelayArgs } from './layers/delay.js';
export { RCubaLif, type RCubaLifArgs } from './layers/rcuba-lif.js';
export { FEEDBACK, RLif } from './layers/rlif.js';
export {
  AdaptiveFcLif,
  AdaptiveFcLifScale,
  type AdaptiveFcLifArgs,
  type LearnOptions,
  type OnlineRun,
} from './layers/adaptive-fc-lif.js';
export {
  advanceTraces,
  groupReward,
  hebbian,
  stdp,
  zeroTraces,
  type Rates,
  type Spikes,
  type TraceOptions,
  type Traces,
} from './online/plasticity.js';
export { Rstdp, type Learned, type RstdpArgs } from './online/rstdp.js';
export { Conv2d, type Conv2dArgs } from './layers/conv2d.js';
export { type Convolution, type ConvolutionArgs } from './layers/convolution.js';
export { BatchNorm, type BatchNormArgs } from './layers/batch-norm.js';
export { MaxPool2d, type MaxPool2dArgs } from './layers/max-pool2d.js';
export { SeededDropout, type SeededDropoutArgs } from './layers/dropout.js';
export { Invert } from './layers/invert.js';
export { Standardize, type StandardizeArgs } from './layers/standardize.js';
export { Embedding, type EmbeddingArgs } from './layers/embedding.js';
export { AvgPoolTimeVideo, MaxPoolTimeVideo, type TimePoolingArgs } from './layers/time-pooling.js';
export {
  TCJA,
  TemporalWiseAttention,
  type TcjaArgs,
  type TemporalWiseAttentionArgs,
} from './layers/attention.js';
export { OverTime } from './layers/over-time.js';
export { Aggregation, type AggregationArgs, type AggregationMode } from './layers/aggregation.js';
export { sequence, type Sequence } from './sequence/sequence.js';
export { stepper, type NetworkState, type Stepper, type Watch } from './stepper/stepper.js';
export { inParts, type PartRunner } from './sequence/in-parts.js';
export {
  MEMORY,
  type Collect,
  type Memory,
  type PartOptions as PartRunOptions,
  type PartRun,
  type SequenceOptions,
} from './sequence/execute.js';
export { walk, type Place, type Walk } from './stepper/walk.js';
export { layerWeights, namedWeights, type NamedVariable } from './weights/named-weights.js';
