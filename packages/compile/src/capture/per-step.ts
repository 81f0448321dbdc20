import type { tf } from '@bidl/engine';
import type { ValueRef } from '@bidl/graph';
import {
  BatchNorm,
  Conv2d,
  Embedding,
  Invert,
  MaxPool2d,
  NORM_EPSILON,
  SeededDropout,
  Standardize,
} from '@bidl/neurons';
import { Unsupported } from '../finding.js';
import { foldNorm, numbersOf } from './norm.js';
import { weightOf, type Scope } from './scope.js';

/** A layer of `@bidl/neurons` without state as operations of the graph; undefined for any other. */
export function capturePerStep(scope: Scope, layer: tf.layers.Layer, x: ValueRef): ValueRef | undefined {
  const { builder } = scope;
  const at = (what: string) => ({ layer: scope.layer, what });
  const weight = (name: string) => {
    const found = weightOf(layer, name);
    if (found) return found;
    throw new Unsupported('supported-layer', 'has no weights yet', 'apply it to an input first');
  };

  if (layer instanceof SeededDropout) return x;
  if (layer instanceof Invert)
    return builder.node('sub', [builder.constant(1, at('one')), x], {}, at('invert'));
  if (layer instanceof Conv2d) {
    const { stride, padding, groups } = layer.geometry;
    const bias = weightOf(layer, 'bias');
    return builder.conv2d(
      x,
      scope.weight('kernel', weight('kernel')),
      bias && scope.weight('bias', bias),
      { stride, padding: around(padding), groups },
      at('conv2d'),
    );
  }
  if (layer instanceof MaxPool2d) {
    const { kernelSize: size, stride, padding } = layer;
    return builder.maxPool(x, { size, stride, padding: around(padding) }, at('maxPool'));
  }
  if (layer instanceof BatchNorm) {
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((name) =>
      numbersOf(weight(name)),
    );
    const norm = foldNorm(scope, { gamma, beta, mean, variance, epsilon: NORM_EPSILON });
    return builder.node('affine', [x, norm.scale, norm.shift], {}, at('norm'));
  }
  if (layer instanceof Standardize) {
    const centred = builder.node('sub', [x, scope.numbers('mean', layer.mean)], {}, at('centre'));
    return builder.node('div', [centred, scope.numbers('std', layer.std)], {}, at('scale'));
  }
  if (layer instanceof Embedding) {
    // The token as one of many inputs that are 0, and a dense layer over them, which skips zeros.
    const ids = scope.numbers(
      'ids',
      Array.from({ length: layer.tokens }, (_, id) => id),
    );
    const apart = builder.node('abs', [builder.node('sub', [ids, x], {}, at('apart'))], {}, at('distance'));
    const isToken = builder.node('gt', [builder.constant(0.5, at('half')), apart], {}, at('token'));
    return builder.dense(isToken, scope.weight('kernel', weight('kernel')), undefined, at('dense'));
  }
  return undefined;
}

/** The same on both sides of each axis. */
const around = ([h, w]: readonly [number, number]) => [h, h, w, w] as const;
