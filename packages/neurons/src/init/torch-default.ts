import { tf } from '@bidl/engine';
import { seedFor } from './seed.js';

/** A tfjs initializer. */
export type Initializer = ReturnType<typeof tf.initializers.zeros>;

/**
 * PyTorch's default start of a convolution or linear layer: weight and bias from U(±1/√fan_in) (its "Kaiming
 * uniform, a = √5"), seeded by the run's seed and the layer's name.
 *
 * @param fanIn inputs that one output sums over: channels × kernel area of one group, or input features.
 */
export function torchDefault(
  fanIn: number,
  seed: number,
  layer: string,
): { readonly kernel: Initializer; readonly bias: Initializer } {
  const bound = 1 / Math.sqrt(fanIn);
  const uniform = (weight: string) =>
    tf.initializers.randomUniform({
      minval: -bound,
      maxval: bound,
      seed: seedFor(seed, `${layer}/${weight}`),
    });
  return { kernel: uniform('kernel'), bias: uniform('bias') };
}

/** Given values, in the order of the weight's shape. */
export function values(numbers: readonly number[]): Initializer {
  if (numbers.length === 1) return tf.initializers.constant({ value: numbers[0] ?? 0 });
  const start = { apply: (shape: number[]) => tf.tensor([...numbers], shape, 'float32') };
  return Object.assign(tf.initializers.zeros(), start);
}
