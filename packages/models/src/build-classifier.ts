import './backbones/clif3fc3.js';
import type { BackboneContext } from './backbones/backbone.js';
import { classifiers, type ImageClassifier } from './classifiers/image-classifier.js';

/**
 * Builds the network that a config's `model` describes.
 *
 * @param model `{ type: 'ImageClassifier', backbone, neck, head }`
 * @param context one sample's shape `[T, H, W, C]` and the run's seed; without a seed, 0
 * @throws ConfigError naming the place of an unknown type, a wrong argument, or sizes that don't fit the samples.
 */
export function buildClassifier(
  model: unknown,
  { inputShape, seed = 0 }: Pick<BackboneContext, 'inputShape'> & { readonly seed?: number },
): ImageClassifier {
  return classifiers.build(model, { inputShape, seed }, 'model');
}
