import * as tf from '@tensorflow/tfjs';
import type { ConvAttributes } from '../conv/conv2d.js';

const CURRENT = 'BidlConvCurrent';

/** A convolution in front of neurons, over every time step. */
export interface ConvInput {
  /** `[B, T, H, W, C]` */
  readonly x: tf.Tensor5D;
  /** `[kh, kw, C, K]` */
  readonly kernel: tf.Tensor4D;
  /** Its attributes as `tf.conv2d`'s kernel takes them. */
  readonly attrs: tf.NamedAttrMap;
  /** How the op library computes it. */
  readonly own: ConvAttributes;
}

const fold = (x: tf.Tensor): tf.Tensor4D => {
  const [batch, steps, ...rest] = x.shape;
  return tf.reshape(x, [batch * steps, ...rest] as [number, number, number, number]);
};

/**
 * A stand-in for what a convolution gives neurons that compute it themselves: it has the shape `[B, T, H', W', K]` and a
 * place on the gradient tape, but no values. The neurons' gradient in it becomes that of the convolution's input and
 * kernel, each only where somebody asks for it.
 */
export function convCurrent({ x, kernel, attrs, own }: ConvInput): tf.Tensor {
  register();
  const shape = [...x.shape.slice(0, 2), own.rows, own.columns, kernel.shape[3]];
  return tf.engine().runKernel(CURRENT, { x, kernel }, { ...attrs, shape }) as unknown as tf.Tensor;
}

function register(): void {
  if (tf.getKernel(CURRENT, 'tensorflow') !== undefined) return;
  tf.registerKernel({
    kernelName: CURRENT,
    backendName: 'tensorflow',
    kernelFunc: ({ attrs, backend }) => ({
      dataId: (backend as tf.KernelBackend).write(new Float32Array(0), [0], 'float32'),
      dtype: 'float32',
      shape: attrs?.['shape'] as unknown as number[],
    }),
  });
  tf.registerGradient({
    kernelName: CURRENT,
    inputsToSave: ['x', 'kernel'],
    gradFunc: (dy, [x, kernel], attrs) => {
      const given = fold(dy as tf.Tensor);
      const [batch, steps, ...size] = x.shape;
      const run = (name: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap) =>
        tf.engine().runKernel(name, inputs, { ...attrs, ...more }) as unknown as tf.Tensor;
      return {
        x: () => {
          const inputShape = [batch * steps, ...size];
          const dx = run('Conv2DBackpropInput', { dy: given, filter: kernel }, { inputShape });
          return tf.reshape(dx, x.shape);
        },
        kernel: () => run('Conv2DBackpropFilter', { x: fold(x), dy: given }, { filterShape: kernel.shape }),
      };
    },
  });
}
