import type { ValueRef } from '@bidl/graph';
import type { Delay } from '@bidl/neurons';
import { Unsupported } from '../finding.js';
import type { Scope } from './scope.js';

/**
 * A line of states, each the input of one step further back: at every step the values move along by one. Each channel is
 * taken from the state of its own delay.
 */
export function captureDelay(scope: Scope, layer: Delay, x: ValueRef): ValueRef {
  const { builder } = scope;
  const delays = layer.wholeDelays();
  if (delays.length === 0)
    throw new Unsupported('supported-layer', 'has no weights yet', 'apply it to an input first');
  const place = (what: string) => ({ layer: scope.layer, what });
  const past = [x];
  for (let k = 1; k <= Math.max(...delays); k++) {
    const key = `${scope.layer}/past/${k}`;
    past.push(builder.load({ key, shape: x.type.shape }, place(`load_${k}`)));
    builder.save(key, past[k - 1], place(`save_${k}`));
  }
  const parts = [...new Set(delays)].map((delay) => {
    if (delays.every((other) => other === delay)) return past[delay];
    const mask = delays.map((other) => Number(other === delay));
    return builder.node(
      'mul',
      [past[delay], scope.numbers(`delayed/${delay}`, mask)],
      {},
      place(`of_${delay}`),
    );
  });
  return parts.reduce((sum, part, i) => builder.node('add', [sum, part], {}, place(`add_${i}`)));
}
