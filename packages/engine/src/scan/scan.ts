import * as tf from '@tensorflow/tfjs';
import { scanComposed, stepComposed } from './composed.js';
import { ScanError } from './errors.js';
import { fusedFor, scanFused } from './fused.js';
import type { AnyNeuron, ScanArgs, ScanResult, StepArgs } from './types.js';

/**
 * Runs a neuron over a whole sequence.
 *
 * Differentiable in x, params, state, and the norm's gamma and beta. Where the backend has a fused kernel for the
 * neuron it is used; otherwise, or with `form: 'composed'`, the same equations run as TensorFlow.js ops.
 *
 * @throws ScanError when shapes don't fit, a parameter is missing, or `form: 'fused'` can't be had.
 */
export function neuronScan(neuron: AnyNeuron, args: ScanArgs): ScanResult {
  check(neuron, args);
  const { form = 'auto' } = args;
  if (form === 'composed') return scanComposed(neuron, args);
  const fused = fusedFor(neuron, args);
  if (!('obstacle' in fused)) return scanFused(neuron, fused, args);
  if (form === 'fused') throw new ScanError(`neuronScan: form "fused" can't run: ${fused.obstacle}`);
  return scanComposed(neuron, args);
}

/** One time step with explicit state: x `[B, ..., C]`, state `[B, ..., C]` each; running statistics in `norm`. */
export function neuronStep(
  neuron: AnyNeuron,
  args: StepArgs & { readonly x: tf.Tensor; readonly state: Readonly<Record<string, tf.Tensor>> },
): { out: tf.Tensor; state: Readonly<Record<string, tf.Tensor>> } {
  checkParams(neuron, args.params, args.x.shape[args.x.rank - 1]);
  return stepComposed(neuron, args.x, args.state, args);
}

function check(neuron: AnyNeuron, args: ScanArgs): void {
  const { x, norm, state } = args;
  if (x.rank < 3) {
    throw new ScanError(
      `neuronScan: x must be [batch, time, ..., channels]; its shape is [${x.shape.join(', ')}]`,
    );
  }
  if (args.pool && x.rank !== 5) {
    throw new ScanError(
      `neuronScan: to be pooled, x must be [batch, time, height, width, channels]; its shape is [${x.shape.join(', ')}]`,
    );
  }
  const channels = x.shape[x.rank - 1];
  checkParams(neuron, args.params, channels);
  if (args.bias && (args.bias.rank !== 1 || args.bias.size !== channels)) {
    throw new ScanError(
      `neuronScan: bias must be [${channels}]; its shape is [${args.bias.shape.join(', ')}]`,
    );
  }
  for (const [key, tensor] of Object.entries(norm ?? {})) {
    if (tensor instanceof tf.Tensor && (tensor.rank !== 1 || tensor.size !== channels)) {
      throw new ScanError(
        `neuronScan: norm.${key} must be [${channels}]; its shape is [${tensor.shape.join(', ')}]`,
      );
    }
  }
  const expected = [x.shape[0], ...x.shape.slice(2)];
  for (const [key, tensor] of Object.entries(state ?? {})) {
    if (!(key in neuron.state)) {
      throw new ScanError(
        `neuronScan: neuron "${neuron.name}" has no state "${key}"; it has ${Object.keys(neuron.state).join(', ')}`,
      );
    }
    if (tensor.shape.join() !== expected.join()) {
      throw new ScanError(
        `neuronScan: state.${key} must be [${expected.join(', ')}]; its shape is [${tensor.shape.join(', ')}]`,
      );
    }
  }
}

function checkParams(neuron: AnyNeuron, params: Readonly<Record<string, tf.Tensor>>, channels: number): void {
  for (const key of Object.keys(neuron.params)) {
    const tensor = params[key];
    if (tensor === undefined) {
      throw new ScanError(
        `neuron "${neuron.name}" needs the parameter "${key}" (default ${neuron.params[key]})`,
      );
    }
    if (tensor.size !== 1 && !(tensor.rank === 1 && tensor.size === channels)) {
      throw new ScanError(
        `neuron "${neuron.name}": ${key} must be one value or [${channels}]; its shape is [${tensor.shape.join(', ')}]`,
      );
    }
  }
}
