import * as tf from '@tensorflow/tfjs';

/** Puts another function in the place of a backend's kernel, made from the one that was there; nothing where there is none. */
export function replaceKernel(
  kernelName: string,
  backendName: string,
  by: (own: tf.KernelFunc) => tf.KernelFunc,
): void {
  const own = tf.getKernel(kernelName, backendName);
  if (own === undefined) return;
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ ...own, kernelFunc: by(own.kernelFunc) });
}
