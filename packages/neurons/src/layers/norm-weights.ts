import type { tf } from '@bidl/engine';
import type { NormTensors, Running } from './normalise.js';

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

  read(): NormTensors {
    const { gamma, beta, mean, variance } = this.weights;
    return { gamma: gamma.read(), beta: beta.read(), mean: mean.read(), variance: variance.read() };
  }

  /** Sets the running statistics. */
  advance({ mean, variance }: Running): void {
    this.weights.mean.write(mean);
    this.weights.variance.write(variance);
  }
}
