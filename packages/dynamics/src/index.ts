export type { Ops } from './ops.js';
export {
  defineNeuron,
  NeuronDefinitionError,
  showState,
  type NeuronDefinition,
  type StepResult,
} from './neuron.js';
export { ACTIVATIONS, activate, type Activation, type MembraneTap } from './neurons/output.js';
export { lif, type LifNeuron, type LifOptions, type LifParam, type LifState } from './neurons/lif.js';
export {
  lifPlus,
  LIF_PLUS_VARIANTS,
  type LifPlusNeuron,
  type LifPlusOptions,
  type LifPlusVariant,
} from './neurons/lif-plus.js';
export {
  ACCUMULATIONS,
  DECAYS,
  INITIATIONS,
  REFRACTORIES,
  TRIGGERS,
  LIF_PLUS_PARAMS,
  type LifPlusFeatures,
  type LifPlusParam,
  type LifPlusState,
} from './neurons/lif-plus-features.js';
export { integrateAndFire } from './neurons/integrate-and-fire.js';
export { plif } from './neurons/plif.js';
export { cubaLif } from './neurons/cuba-lif.js';
export { alif } from './neurons/alif.js';
export { leakyIntegrator } from './neurons/leaky-integrator.js';
export { izhikevich, type TimeStepOptions } from './neurons/izhikevich.js';
export { adex } from './neurons/adex.js';
export { hodgkinHuxley } from './neurons/hodgkin-huxley.js';
export { RESETS, type Reset, type ResetOptions } from './neurons/reset.js';
export {
  NEURONS,
  isNeuronName,
  type NamedNeuron,
  type NeuronName,
  type NeuronOptions,
} from './neurons/by-name.js';
export { heaviside, type Surrogate } from './surrogates/surrogate.js';
export { rectangle, rectangleInfer, irnet, reactnet } from './surrogates/upstream.js';
export { gaussian, piecewiseExponential, triangle } from './surrogates/piecewise.js';
export { arctan, fastSigmoid, sigmoid } from './surrogates/smooth.js';
export { SURROGATES, isSurrogateName, type SurrogateName } from './surrogates/by-name.js';
export { noiseKey, normalAt } from './noise/normal.js';
export { arrayOps, Value, type ArrayNorm, type ArrayOps, type Precision } from './reference/array-ops.js';
export { emitKernel, type NeuronKernel } from './emit/kernel.js';
export { NotFusableError } from './emit/pass.js';
export {
  referenceScan,
  type ReferenceGradients,
  type ReferenceNorm,
  type ReferenceScan,
  type ReferenceScanArgs,
} from './reference/scan.js';
