import { cheapestCut } from '../expression/cut.js';
import { inputsOf, isMask, type Expression } from '../expression/expression.js';
import { reachable } from '../expression/gradient.js';
import type { Pass } from './pass.js';

/** Leaves that only backward passes have. */
const isGradient = (node: Expression): boolean =>
  node.kind === 'leaf' && /^(dout|du|dx_part|dstate\[\d+\]|mean_du|mean_dot)$/.test(node.name);

/**
 * What has to be kept of a step, and where, so that its backward passes can compute again all that they use of it: the
 * cheapest cut. The input costs least, since it lies in memory anyway and needs no place of its own; comparisons are no
 * numbers that can be kept.
 *
 * @param states values before the step, which are gone when its backward passes run, as is the input `x`
 */
export function placesOfKept(
  passes: readonly Pass[],
  x: Expression,
  states: readonly Expression[],
): ReadonlyMap<Expression, string> {
  const roots = passes.flatMap(({ stores, sums }) => [...stores, ...sums].map(([, value]) => value));
  const nodes = reachable(roots);
  const gone = new Set([x, ...states]);
  const backward = new Set<Expression>();
  const lost = new Set<Expression>();
  for (const node of nodes) {
    const inputs = inputsOf(node);
    if (isGradient(node) || inputs.some((input) => backward.has(input))) backward.add(node);
    if (gone.has(node) || inputs.some((input) => lost.has(input))) lost.add(node);
  }
  const used = nodes.flatMap((node) => (backward.has(node) ? inputsOf(node) : [])).concat(roots);
  const needed = [...new Set(used)].filter((node) => lost.has(node) && !backward.has(node));
  const cost = (node: Expression) => (node === x ? 1 : isMask(node) ? Infinity : 2);
  const kept = cheapestCut(needed, gone, cost).filter((node) => node !== x);
  return new Map(kept.map((node, k) => [node, `kept[${k}]`]));
}

/** The stores that keep these nodes. */
export const keeping = (places: ReadonlyMap<Expression, string>): (readonly [string, Expression])[] =>
  [...places].map(([node, place]) => [place, node]);
