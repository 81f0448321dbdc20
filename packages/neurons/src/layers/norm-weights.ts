import type { Norm, Running, tf } from '@bidl/engine';

/** PyTorch's defaults, which upstream never changes. */
export const NORM_EPSILON = 1e-5;
const MOMENTUM = 0.1;

export type NormWeight = 'gamma' | 'beta' | 'mean' | 'variance';

/** The four weights of a BatchNorm; running statistics are weights that are not trained. */
export class NormWeights {
  private readonly weights: Readonly<Record<NormWeight, tf.LayerVariable>>;

  constructor(add: (name: NormWeight, trainable: boolean) => tf.LayerVariable) {
    this.weights = {
      gamma: add('gamma', true),
      beta: add('beta', true),
      mean: add('mean', false),
      variance: add('variance', false),
    };
  }

  read(): Norm {
    const { gamma, beta, mean, variance } = this.weights;
    return {
      gamma: gamma.read(),
      beta: beta.read(),
      mean: mean.read(),
      variance: variance.read(),
      epsilon: NORM_EPSILON,
      momentum: MOMENTUM,
    };
  }

  /** Sets the running statistics. */
  advance({ mean, variance }: Running): void {
    this.weights.mean.write(mean);
    this.weights.variance.write(variance);
  }
}
