import * as tf from '@tensorflow/tfjs';
import { updateComposed } from './composed.js';
import type { Arrays, Formula } from './elementwise.js';
import { updateFused } from './fused.js';

export interface UpdateOptions {
  /**
   * Arrays that are used up: their memory is taken for the result of their name, so it must be the caller's alone. The
   * caller goes on with the returned tensors in their place.
   */
  readonly consumed?: readonly string[];
  /** `composed` leaves the fused kernel out. Default `auto`. */
  readonly form?: 'auto' | 'composed';
}

/**
 * Applies a formula to every element of lists of tensors: one operation for all of them where the backend has a kernel
 * for it, tensor operations elsewhere. On a CPU both give the same bits.
 *
 * @param lists equally long lists of float32 tensors; those at one place of the lists have one shape
 * @returns a list for every array that the formula gives; the caller disposes of its tensors
 * @throws UpdateError when the lists don't fit together.
 * @example
 * // gradient descent with momentum, for all weights at once
 * const { w, m } = updateElements(
 *   (o, { w, g, m }) => {
 *     const momentum = o.combine(0.9, m, 1, g);
 *     return { w: o.combine(1, w, -0.1, momentum), m: momentum };
 *   },
 *   { w: weights, g: gradients, m: momenta },
 *   { consumed: ['m'] },
 * );
 */
export function updateElements(
  formula: Formula,
  lists: Arrays<readonly tf.Tensor[]>,
  { consumed = [], form = 'auto' }: UpdateOptions = {},
): Record<string, tf.Tensor[]> {
  check(lists, consumed);
  const fused = form === 'auto' ? updateFused(formula, lists, new Set(consumed)) : undefined;
  if (fused !== undefined) return fused;
  const results = tf.tidy(() => updateComposed(formula, lists));
  for (const name of consumed) tf.dispose([...lists[name]]);
  return results;
}

/** Lists that don't fit together. */
export class UpdateError extends Error {
  override readonly name = 'UpdateError';
}

function check(lists: Arrays<readonly tf.Tensor[]>, consumed: readonly string[]): void {
  const [[first, like], ...others] = Object.entries(lists);
  for (const [name, list] of others) {
    if (list.length !== like.length) {
      throw new UpdateError(
        `${name} holds ${list.length} tensors, ${first} ${like.length}: give one for each`,
      );
    }
    list.forEach(({ shape }, k) => {
      if (shape.join() === like[k].shape.join()) return;
      throw new UpdateError(
        `${name}[${k}] is [${shape.join(', ')}], ${first}[${k}] is [${like[k].shape.join(', ')}]`,
      );
    });
  }
  const unknown = consumed.find((name) => !(name in lists));
  if (unknown !== undefined) throw new UpdateError(`${unknown} is to be consumed, but there is no such list`);
}
