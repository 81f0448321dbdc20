import { tf } from '@bidl/engine';
import { seedFor } from '../init/seed.js';
import { LayerError } from '../errors.js';
import { positive } from './checks.js';
import { oneShape } from './fold.js';
import { PerStepLayer, type LayerArgs } from './per-step-layer.js';

export interface EmbeddingArgs extends LayerArgs {
  /** Size of the vocabulary; ids go from 0 to one less. */
  num_embeddings: number;
  /** Features of one vector. */
  embedding_dim: number;
  /** The run's seed. Default 0. */
  seed?: number;
}

/**
 * A vector for every token: `[B, T] -> [B, T, embedding_dim]`, one token a time step. Starts from N(0, 1) as PyTorch's.
 *
 * Weight: `<layer>/kernel` `[num_embeddings, embedding_dim]`, for a token is one input of a linear layer without bias.
 *
 * @example
 * const out = new Embedding({ num_embeddings: 1001, embedding_dim: 16 }).apply(tf.tensor2d([[3, 1, 4]]));
 */
export class Embedding extends PerStepLayer {
  static readonly className = 'Embedding';
  readonly tokens: number;
  readonly features: number;
  private readonly seed: number;
  private kernel: tf.LayerVariable | undefined;

  constructor({ num_embeddings, embedding_dim, seed = 0, name }: EmbeddingArgs) {
    super(name === undefined ? {} : { name });
    this.tokens = positive(num_embeddings, 'num_embeddings', this.name);
    this.features = positive(embedding_dim, 'embedding_dim', this.name);
    this.seed = seed;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    this.computeOutputShape(inputShape);
    const start = tf.initializers.randomNormal({
      mean: 0,
      stddev: 1,
      seed: seedFor(this.seed, `${this.name}/kernel`),
    });
    this.kernel = this.addWeight('kernel', [this.tokens, this.features], 'float32', start);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape, this.name);
    if (shape.length !== 2) {
      throw new LayerError(this.name, `needs token ids [B, T], got [${shape.join(', ')}]`);
    }
    return [...shape, this.features];
  }

  protected transform(x: tf.Tensor): tf.Tensor {
    if (!this.kernel) throw new LayerError(this.name, 'is used before it is built');
    return tf.gather(this.kernel.read() as tf.Tensor2D, x.cast('int32') as tf.Tensor2D);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { tokens, features, seed } = this;
    return { ...super.getConfig(), num_embeddings: tokens, embedding_dim: features, seed };
  }
}

tf.serialization.registerClass(Embedding);
