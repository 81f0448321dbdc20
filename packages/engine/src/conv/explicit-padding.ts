import * as tf from '@tensorflow/tfjs';

type ConvInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>;
type KernelArgs = Parameters<tf.KernelFunc>[0];

/**
 * A pass of a convolution with explicit padding through a kernel that knows only `valid`: the input is padded with zeros
 * first, or its gradient cut out of that of the padded input.
 */
export function explicitConv2D(
  pass: 'Conv2D' | 'Conv2DBackpropFilter' | 'Conv2DBackpropInput',
  args: KernelArgs,
  { padInfo: { top, bottom, left, right } }: ConvInfo,
  kernel: tf.KernelFunc,
): tf.TensorInfo {
  const attrs = { ...args.attrs, pad: 'valid' };
  return tf.tidy(() => {
    if (pass !== 'Conv2DBackpropInput') {
      const x = args.inputs['x'] as tf.Tensor4D;
      const around: [number, number][] = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ];
      const inputs = { ...args.inputs, x: tf.pad(x, around) };
      return kernel({ ...args, inputs, attrs }) as tf.Tensor;
    }
    const [n, h, w, c] = args.attrs?.['inputShape'] as number[];
    const padded = [n, h + top + bottom, w + left + right, c];
    const dx = kernel({ ...args, attrs: { ...attrs, inputShape: padded } }) as tf.Tensor;
    return tf.slice(dx, [0, top, left, 0], [n, h, w, c]);
  });
}
