import * as tf from '@tensorflow/tfjs';
import { repeated } from '../reduce/spread.js';
import { convCurrent, type ConvInput } from './conv-current.js';
import type { FusedNeuron, NeuronStore } from './neuron-store.js';
import { hasScanKernel, NORM, runScan, SCAN, SCAN_GRAD, type ScanAttributes } from './scan-kernel.js';
import type { Save } from './tensor-ops.js';
import type { AnyNeuron, ScanArgs, ScanResult } from './types.js';

let store: NeuronStore | undefined;

/** Gives the scan the neurons of the op library that has been loaded. */
export function useNeurons(neurons: NeuronStore): void {
  store = neurons;
}

/** The neuron's fused form for this scan, or why there is none. */
export function fusedFor(neuron: AnyNeuron, args: ScanArgs): FusedNeuron | { readonly obstacle: string } {
  if (store === undefined || !hasScanKernel()) {
    return { obstacle: `backend "${tf.getBackend()}" has no fused scan (bidl engine install brings it)` };
  }
  const fused = store.fused(neuron, args.surrogate);
  if ('obstacle' in fused || !args.norm || fused.kernel.hasNorm) return fused;
  return { obstacle: `neuron "${neuron.name}" has no place for a norm` };
}

/** Places of the op's inputs and outputs; those of parameters and states follow the last one. */
const FIRST_PARAM = 7;
const OUT = 0;
const SAVED = [1, 2, 3, 4, 5, 6];
const RUNNING = [7, 8];
const FIRST_STATE = 9;
const FIRST_DPARAM = 4;

/**
 * The scan as one kernel. What the backward pass needs is kept only while gradients are being recorded.
 *
 * The output and the final states are several values of one computation; each gets its gradient from the backward
 * kernel, a final state's only where a loss uses it.
 */
export function scanFused(
  neuron: AnyNeuron,
  { name, kernel }: FusedNeuron,
  { x: given, ...args }: Omit<ScanArgs, 'x'> & { readonly x: tf.Tensor | ConvInput },
): ScanResult {
  const { params, bias, state, norm, training, seed = 0, pool = false } = args;
  const conv = given instanceof tf.Tensor ? undefined : given;
  const x = given instanceof tf.Tensor ? given : given.x;
  const noise = training && kernel.hasNoise ? (args.noise ?? 0) : 0;
  const empty = tf.zeros([0]);
  const stateNames = Object.keys(neuron.state);
  const values = Object.keys(neuron.params).map((key) => params[key]);
  const attributes: ScanAttributes = {
    neuron: name,
    constants: kernel.constants,
    initial: Object.values(neuron.state),
    norm: !norm ? NORM.none : training ? NORM.batch : NORM.running,
    epsilon: norm?.epsilon ?? 0,
    momentum: norm?.momentum ?? 0,
    noise,
    learn: values.some((p) => !(p instanceof tf.Variable) || p.trainable),
    record: tf.engine().state.gradientDepth > 0,
    pool,
    ...(conv && { conv: conv.own }),
  };
  const inputs = [
    x,
    bias ?? empty,
    ...(norm ? [norm.gamma, norm.beta, norm.mean, norm.variance] : [empty, empty, empty, empty]),
    // In two halves of 16 bits, which float32 holds.
    noise > 0 ? tf.tensor1d([(seed >>> 16) & 0xffff, seed & 0xffff]) : empty,
    ...values,
    ...stateNames.map((key) => state?.[key] ?? empty),
  ];
  const weights = conv?.kernel ?? empty;
  const outputs = runScan(SCAN, [...inputs, weights], FIRST_STATE + stateNames.length, attributes);
  const running = norm &&
    training && { running: { mean: outputs[RUNNING[0]], variance: outputs[RUNNING[1]] } };
  const result = (of: (output: number) => tf.Tensor): ScanResult => ({
    out: of(OUT),
    state: Object.fromEntries(stateNames.map((key, k) => [key, of(FIRST_STATE + k)])),
    ...running,
  });
  if (!attributes.record) return result((output) => outputs[output]);
  const saved = SAVED.map((k) => outputs[k]);
  const bySteps = attributes.norm === NORM.batch || noise > 0;
  const needsX = !bySteps || kernel.batchReadsInput;

  /** One of the op's outputs, differentiable. */
  const differentiable = (output: number): tf.Tensor =>
    tf.customGrad((...tensors) => {
      const save = tensors[inputs.length] as Save;
      save([needsX ? x : empty, ...inputs.slice(1), weights, ...saved]);
      const gradFunc = (dy: tf.Tensor | tf.Tensor[], kept: tf.Tensor[]) => {
        const ofInputs = kept.slice(0, inputs.length + 1);
        const none = tf.zeros([0]);
        const seeds = [OUT, ...stateNames.map((_, k) => FIRST_STATE + k)].map((k) =>
          k === output ? (dy as tf.Tensor) : none,
        );
        return gradients(ofInputs, kept.slice(ofInputs.length), seeds, values.length, attributes);
      };
      return { value: tf.clone(outputs[output]), gradFunc };
    })(conv ? convCurrent(conv) : x, ...inputs.slice(1));
  return result(differentiable);
}

/** The output's gradient as the kernel reads it: what it repeats over samples, steps or all neurons only once. */
function onceIfRepeated(dout: tf.Tensor, pool: boolean): tf.Tensor {
  const once = pool ? undefined : repeated(dout);
  const cell = (tensor: tf.Tensor) => tensor.shape.slice(2);
  return once && (cell(once).every((n) => n === 1) || cell(once).join() === cell(dout).join()) ? once : dout;
}

/** The gradient of a constant: few values, which reach TensorFlow only if something reads them. */
const zeros = (like: tf.Tensor): tf.Tensor => tf.zeros(like.shape);

/**
 * Gradients for what the scan is differentiable in, from those of its output and of the final states: `inputs` are the
 * forward kernel's, the convolution's kernel last, which gets its own from that of the neurons' input.
 */
function gradients(
  inputs: readonly tf.Tensor[],
  saved: readonly tf.Tensor[],
  [dout, ...dfinal]: readonly tf.Tensor[],
  params: number,
  attributes: ScanAttributes,
): tf.Tensor[] {
  const states = dfinal.length;
  const [dx, dbias, dgamma, dshift, ...rest] = runScan(
    SCAN_GRAD,
    [...inputs, onceIfRepeated(dout, attributes.pool), ...saved, ...dfinal],
    FIRST_DPARAM + params + states,
    attributes,
  );
  const dparams = rest.slice(0, params).map((g, k) => {
    const like = inputs[FIRST_PARAM + k];
    if (g.size === 0) return zeros(like);
    return like.size === 1 ? tf.reshape(tf.sum(g), like.shape) : tf.reshape(g, like.shape);
  });
  // An empty input, which stands for one left out, is its own gradient.
  const dinitial = rest.slice(params).map((g, k) => {
    const like = inputs[FIRST_PARAM + params + k];
    return like.size === 0 ? like : g;
  });
  // The running statistics take no part in training; where they normalise (inference) they are constants.
  const constants = inputs.slice(4, FIRST_PARAM).map((like) => (like.size === 0 ? like : zeros(like)));
  return [dx, dbias, dgamma, dshift, ...constants, ...dparams, ...dinitial];
}
