import * as tf from '@tensorflow/tfjs';
import { silenceBanner } from '../backend/banner.js';
import { replaceKernel } from '../backend/replace-kernel.js';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.js';
import { correctAvgPoolGrad } from './avg-pool-grad.js';
import { maxPoolGrad } from './max-pool-grad.js';
import { onCpu } from './on-cpu.js';

/**
 * Kernels that training needs and tfjs's wasm backend lacks. The convolution's is composed of wasm ops, for it is where
 * the time goes; the others run tfjs's JavaScript kernel on a copy. (Complex numbers, FFT and ragged tensors are left out.)
 */
const BORROWED = [
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'Einsum',
  'UnsortedSegmentSum',
];

/** Registers what is missing, and replaces the two gradients that are wrong. Once per set of kernels. */
export function completeWasmKernels(): void {
  if (tf.getKernel('MaxPoolGrad', 'wasm')?.kernelFunc === maxPoolGrad) return;
  replaceKernel('MaxPoolGrad', 'wasm', () => maxPoolGrad);
  replaceKernel('AvgPoolGrad', 'wasm', correctAvgPoolGrad);
  register('Conv2DBackpropFilter', conv2dBackpropFilter);
  const missing = BORROWED.filter((name) => tf.getKernel(name, 'wasm') === undefined);
  if (missing.length === 0) return;
  silenceBanner(tf.findBackend('cpu'));
  for (const name of missing) register(name, onCpu(name));
}

function register(kernelName: string, kernelFunc: tf.KernelFunc): void {
  if (tf.getKernel(kernelName, 'wasm') === undefined)
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
}
