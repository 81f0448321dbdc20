import { type NdArray, ndarray, readSafetensors, toFloat32, writeSafetensors } from '@bidl/formats';
import type { StepGraph } from '../graph.js';
import { isExactHalf, toHalfBits } from '../ops/half.js';

type Weights = Readonly<Record<string, NdArray<Float32Array>>>;

/** Kernels and biases of convolutions and dense layers, and everything else (the neurons' parameters). */
export function splitWeights(graph: StepGraph): { synapses: Weights; parameters: Weights } {
  const synaptic = new Set(
    graph.nodes.flatMap(({ op, inputs }) => (op === 'conv2d' || op === 'dense' ? inputs.slice(1) : [])),
  );
  const entries = Object.entries(graph.weights);
  return {
    synapses: Object.fromEntries(entries.filter(([name]) => synaptic.has(name))),
    parameters: Object.fromEntries(entries.filter(([name]) => !synaptic.has(name))),
  };
}

/** Weights as safetensors; those that half precision holds exactly take half the room. */
export function packWeights(weights: Weights): Uint8Array {
  const tensors = Object.entries(weights).map(([name, { data, shape }]): [string, NdArray] => [
    name,
    isExactHalf(data) ? ndarray(toHalfBits(data), shape, 'float16') : ndarray(data, shape),
  ]);
  return writeSafetensors(new Map(tensors));
}

/** The reverse of {@link packWeights}: always float32. */
export const unpackWeights = (bytes: Uint8Array): [string, NdArray<Float32Array>][] =>
  [...readSafetensors(bytes).tensors].map(([name, array]) => [name, ndarray(toFloat32(array), array.shape)]);
