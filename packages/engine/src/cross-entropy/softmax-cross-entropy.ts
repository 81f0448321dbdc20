import * as tf from '@tensorflow/tfjs';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

/** TensorFlow's own op, which tfjs-node leaves out: loss and slope of every row at once. */
const CROSS_ENTROPY = 'SoftmaxCrossEntropyWithLogits';

/** Makes it a kernel of the `tensorflow` backend. */
export function registerSoftmaxCrossEntropy(): void {
  if (tf.getKernel(CROSS_ENTROPY, 'tensorflow') !== undefined) return;
  tf.registerKernel({
    kernelName: CROSS_ENTROPY,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, backend }) => {
      const tensorflow = backend as TensorFlowBackend;
      const { TF_ATTR_TYPE: type, TF_FLOAT: value } = tensorflow.binding;
      const { logits, target } = inputs as Record<'logits' | 'target', tf.TensorInfo>;
      return tensorflow.executeMultipleOutputs(
        CROSS_ENTROPY,
        [{ name: 'T', type, value }],
        [logits, target],
        2,
      );
    },
  });
}

/**
 * Cross entropy -sum(target · log softmax(logits)) of every row; differentiable in the logits.
 *
 * @param logits `[B, K]`
 * @param target `[B, K]`, each row a distribution over the classes: it sums to 1
 * @returns `[B]`
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, target: tf.Tensor2D): tf.Tensor1D {
  if (tf.getKernel(CROSS_ENTROPY, tf.getBackend()) === undefined) {
    return tf.tidy(() => tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)) as tf.Tensor1D);
  }
  const compute = tf.customGrad((x, save) => {
    const inputs = { logits: x as tf.Tensor, target };
    const [loss, slope] = tf.engine().runKernel(CROSS_ENTROPY, inputs) as unknown as tf.Tensor[];
    (save as (tensors: tf.Tensor[]) => void)([slope]);
    return {
      value: loss,
      gradFunc: (dy: tf.Tensor, [kept]: tf.Tensor[]) => tf.mul(kept, tf.reshape(dy, [-1, 1])),
    };
  });
  return compute(logits) as tf.Tensor1D;
}
