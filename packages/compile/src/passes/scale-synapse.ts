import type { Node } from '@bidl/graph';
import type { Rewrite } from './rewrite.js';

/** A synapse whose result may be scaled by scaling its weights, and the last node of it (a pooling, or itself). */
export interface Synapse {
  readonly node: Node;
  readonly last: string;
}

/**
 * The convolution or dense layer behind a value, when nothing but `user` sees the value and a factor for each channel
 * may move into the weights: through poolings, too (through a maximum only factors >= 0).
 */
export function synapseBehind(
  graph: Rewrite,
  value: string,
  user: string,
  factors: ArrayLike<number>,
): Synapse | undefined {
  let [id, reader] = [value, user];
  for (;;) {
    const node = graph.node(id);
    if (!node || !graph.usedOnlyBy(id, reader)) return undefined;
    if (node.op === 'conv2d' || node.op === 'dense') {
      const channels = node.type.shape.at(-1);
      return factors.length === 1 || factors.length === channels ? { node, last: value } : undefined;
    }
    const through =
      node.op === 'avgPool' ||
      node.op === 'globalAvgPool' ||
      (node.op === 'maxPool' && Array.from(factors).every((f) => f >= 0));
    if (!through) return undefined;
    [id, reader] = [node.inputs[0], node.id];
  }
}

/** Moves `y·scale + shift` into a synapse's weights: kernel·scale, bias·scale + shift, in double, rounded once. */
export function scaleSynapse(
  graph: Rewrite,
  { node }: Synapse,
  scale: ArrayLike<number>,
  shift: ArrayLike<number>,
): void {
  const [x, kernelId, biasId] = node.inputs;
  const kernel = graph.weight(kernelId);
  const bias = biasId === undefined ? undefined : graph.weight(biasId);
  if (!kernel) return;
  const channels = kernel.shape.at(-1) ?? 1;
  const at = (values: ArrayLike<number>, c: number) => values[values.length === 1 ? 0 : c];
  const scaled = kernel.data.map((w, i) => w * at(scale, i % channels));
  const shifted = Float32Array.from(
    { length: channels },
    (_, c) => (bias?.data[c] ?? 0) * at(scale, c) + at(shift, c),
  );
  graph.replace(
    node.id,
    node.op,
    [
      x,
      graph.addWeight(`${node.layer}/folded/kernel`, scaled, kernel.shape),
      graph.addWeight(`${node.layer}/folded/bias`, shifted, [channels]),
    ],
    node.attrs,
  );
}
