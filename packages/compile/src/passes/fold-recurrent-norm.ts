import type { Node } from '@bidl/graph';
import { deadCode } from './dead-code.js';
import { Rewrite, type Pass } from './rewrite.js';
import { scaleSynapse, synapseBehind } from './scale-synapse.js';

/**
 * BatchNorm inside the recurrence: u = g·(x + v) + b, where x comes from a synapse and v is the membrane that the last
 * step left, v = α·r + β.
 *
 * The state becomes w = g·v, so u = (g·x + b) + w and w = (g·α)·r + g·β: g and b go into the synapse's weights and g
 * into the state's own factors, and nothing is left of the norm. What the state slot holds is scaled by g from then on
 * ({@link stateScales} tells by how much); everything else is equal up to rounding.
 *
 * A layer stays as it is where its state starts elsewhere than at 0, where its membrane is seen by anything but this
 * sum, where it isn't left by a factor and a constant, or where there is no synapse to take the norm in.
 */
export const foldRecurrentNorm: Pass = (original) => {
  const graph = new Rewrite(original);
  for (const { id } of graph.list()) {
    const found = recurrence(graph, graph.get(id));
    if (!found) continue;
    const { sum, x, scale, shift, synapseUser, leak } = found;
    const synapse = synapseBehind(graph, x, synapseUser, scale);
    const slot = original.states.find(({ key }) => key === found.key);
    if (!synapse || slot?.initial !== 0) continue;
    scaleSynapse(graph, synapse, scale, shift);
    graph.bypass(id, sum);
    scaleLeak(graph, leak, scale);
  }
  return deadCode(graph.done());
};

/**
 * By which factor each state of the folded graph is larger than in the graph before: one for each channel, nothing
 * for a state that stayed as it was.
 */
export function stateScales(
  before: Parameters<Pass>[0],
  after: Parameters<Pass>[0],
): Map<string, Float32Array> {
  const norm = (graph: Rewrite, key: string) => {
    for (const node of graph.list()) {
      const found = recurrence(graph, node);
      if (found?.key === key) return found;
    }
    return undefined;
  };
  const [old, now] = [new Rewrite(before), new Rewrite(after)];
  return new Map(
    before.states.flatMap(({ key }) => {
      const found = norm(old, key);
      return found && !norm(now, key) ? [[key, Float32Array.from(found.scale)]] : [];
    }),
  );
}

interface Leak {
  /** The node that the save reads. */
  readonly id: string;
  /** Its factor and, where it has one, its summand. */
  readonly factor: { readonly node: string; readonly at: number };
  readonly summand: { readonly node: string; readonly at: number } | undefined;
}

interface Recurrence {
  readonly key: string;
  readonly sum: string;
  readonly x: string;
  readonly synapseUser: string;
  readonly scale: ArrayLike<number>;
  readonly shift: ArrayLike<number>;
  readonly leak: Leak;
}

/** Takes apart `affine(add(x, load), scale, shift)` and what its state becomes. */
function recurrence(graph: Rewrite, node: Node): Recurrence | undefined {
  if (node.op !== 'affine') return undefined;
  const [sumId, scaleId, shiftId] = node.inputs;
  const [scale, shift] = [graph.numbers(scaleId), graph.numbers(shiftId)];
  const sum = graph.node(sumId);
  if (!scale || !shift || sum?.op !== 'add' || !graph.usedOnlyBy(sumId, node.id)) return undefined;
  const loadId = sum.inputs.find((id) => graph.node(id)?.op === 'load');
  const x = sum.inputs.find((id) => id !== loadId);
  if (loadId === undefined || x === undefined || !graph.usedOnlyBy(loadId, sumId)) return undefined;
  const key = String(graph.get(loadId).attrs['key']);
  const save = graph.list().find(({ op, attrs }) => op === 'save' && attrs['key'] === key);
  const leak = save && leakOf(graph, save);
  return leak && { key, sum: sumId, x, synapseUser: sumId, scale, shift, leak };
}

/** What the state becomes, when that is `α·r + β`, `α·r` or their fused form, with nothing else looking at it. */
function leakOf(graph: Rewrite, save: Node): Leak | undefined {
  const [id] = save.inputs;
  const node = graph.node(id);
  if (!node || !graph.usedOnlyBy(id, save.id)) return undefined;
  if (node.op === 'resetDecay') {
    return { id, factor: { node: id, at: 3 }, summand: { node: id, at: 4 } };
  }
  const known = (x: string) => graph.numbers(x) !== undefined;
  if (node.op === 'mul') {
    const at = node.inputs.findIndex(known);
    return at < 0 ? undefined : { id, factor: { node: id, at }, summand: undefined };
  }
  if (node.op !== 'add') return undefined;
  const beta = node.inputs.findIndex(known);
  const product = graph.node(node.inputs[1 - beta] ?? '');
  if (beta < 0 || product?.op !== 'mul' || !graph.usedOnlyBy(product.id, id)) return undefined;
  const alpha = product.inputs.findIndex(known);
  return alpha < 0
    ? undefined
    : { id, factor: { node: product.id, at: alpha }, summand: { node: id, at: beta } };
}

function scaleLeak(graph: Rewrite, { factor, summand }: Leak, scale: ArrayLike<number>): void {
  const scaleOperand = ({ node: id, at }: { node: string; at: number }, name: string) => {
    const node = graph.get(id);
    const values = graph.numbers(node.inputs[at]);
    if (!values) return;
    const data = Float32Array.from(scale, (g, c) => g * values[values.length === 1 ? 0 : c]);
    if (data.every((v) => v === 0) && values.length === 1) return;
    const weight = graph.addWeight(`${node.layer}/folded/${name}`, data, [data.length]);
    graph.replace(
      id,
      node.op,
      node.inputs.map((input, i) => (i === at ? weight : input)),
      node.attrs,
    );
  };
  scaleOperand(factor, 'alpha');
  if (summand) scaleOperand(summand, 'beta');
}
