import { tf } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';
import type { Gradients } from './optimizer.js';

/** Parameters seen as one vector, in their order. */
export class FlatParameters {
  readonly size: number;

  constructor(private readonly parameters: readonly NamedVariable[]) {
    this.size = parameters.reduce((n, { variable }) => n + variable.size, 0);
  }

  /** Gradients as one vector; zeros for a parameter without one. */
  gather(gradients: Gradients): tf.Tensor1D {
    return tf.tidy(() =>
      tf.concat1d(
        this.parameters.map(({ name, variable }) => {
          const gradient = gradients.get(name) ?? tf.zerosLike(variable);
          return tf.reshape(gradient, [variable.size]) as tf.Tensor1D;
        }),
      ),
    );
  }

  /** The parameters as they are; they may be changed afterwards. */
  values(): tf.Tensor1D {
    return tf.tidy(() =>
      tf.concat1d(
        this.parameters.map(({ variable }) => tf.reshape(variable, [variable.size]) as tf.Tensor1D),
      ),
    );
  }

  /** Makes the vector the parameters' values. */
  assign(values: tf.Tensor1D): void {
    tf.tidy(() => {
      const parts = tf.split(
        values,
        this.parameters.map(({ variable }) => variable.size),
      );
      this.parameters.forEach(({ variable }, i) => {
        const part = parts[i];
        if (part) variable.assign(tf.reshape(part, variable.shape));
      });
    });
  }
}

/** Inner product. */
export const inner = (a: tf.Tensor, b: tf.Tensor): number => numberOf(() => tf.dot(a, b));
/** Largest absolute value. */
export const largest = (a: tf.Tensor): number => numberOf(() => tf.max(tf.abs(a)));
/** Sum of absolute values. */
export const absoluteSum = (a: tf.Tensor): number => numberOf(() => tf.sum(tf.abs(a)));

function numberOf(compute: () => tf.Tensor): number {
  const scalar = tf.tidy(compute);
  const [value = NaN] = scalar.dataSync();
  scalar.dispose();
  return value;
}
