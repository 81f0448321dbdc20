import type { ValueRef } from '@bidl/graph';
import type { Aggregation } from '@bidl/neurons';
import { Unsupported } from '../finding.js';
import type { Scope } from './scope.js';

/** Name of the running output, as upstream calls it. */
export const RUNNING_OUTPUT = 'tempAdd';

/**
 * The time steps brought together, one step at a time: a running output that is complete after the last step.
 * A mean divides each step by its `divisor`, or by the steps of a sample where the layer has none.
 */
export function captureAggregation(scope: Scope, layer: Aggregation, x: ValueRef): ValueRef {
  const { builder, timesteps } = scope;
  if (layer.dim !== 1) {
    throw new Unsupported(
      'supported-layer',
      `aggregates over axis ${layer.dim}, which isn't time`,
      'use dim 1',
    );
  }
  const at = (what?: string) => ({ layer: scope.layer, ...(what !== undefined && { what }) });
  const slot = (what: string) => (scope.onlyAggregation ? what : `${scope.layer}/${what}`);
  const { shape } = x.type;
  if (layer.mode === 'pick') {
    const index = layer.idx < 0 ? layer.idx + timesteps : layer.idx;
    if (index < 0 || index >= timesteps) {
      throw new Unsupported(
        'supported-layer',
        `picks step ${layer.idx} of ${timesteps}`,
        'pick one that a sample has, or build the network for more steps',
      );
    }
    const kept = builder.reshape(index === timesteps - 1 ? x : hold(index), [1, ...shape], at());
    return kept;
  }
  const before = builder.load({ key: slot(RUNNING_OUTPUT), shape }, at('load'));
  const now =
    layer.mode === 'sum'
      ? x
      : builder.node(
          'div',
          [x, builder.constant(layer.divisor ?? timesteps, at('divisor'))],
          {},
          at('share'),
        );
  const sum = builder.node('add', [before, now], {}, at('sum'));
  builder.save(slot(RUNNING_OUTPUT), sum, at('save'));
  return sum;

  /** Follows the input until step `index`, then holds it. */
  function hold(index: number): ValueRef {
    const held = builder.load({ key: slot(RUNNING_OUTPUT), shape }, at('load'));
    const count = builder.load({ key: slot('count'), shape }, at('load_count'));
    const waiting = builder.node('gt', [builder.constant(index + 1, at('until')), count], {}, at('waiting'));
    const now = builder.node('blend', [waiting, x, held], {}, at('held'));
    builder.save(slot(RUNNING_OUTPUT), now, at('save'));
    const counted = builder.node('add', [count, builder.constant(1, at('one'))], {}, at('counted'));
    builder.save(slot('count'), counted, at('save_count'));
    return now;
  }
}
