import type { Node, StepGraph } from '../graph.js';
import type { Window } from '../ops/geometry.js';

const f32 = Math.fround;
type Values = Map<string, { data: ArrayLike<number>; shape: readonly number[] }>;

function known<T>(map: ReadonlyMap<string, T>, key: string): T {
  const value = map.get(key);
  if (value === undefined) throw new Error(`there is no "${key}"`);
  return value;
}

/** Element `i` (of `[..., C]`) of an operand that may be a scalar or one value per channel. */
const pick = ({ data }: { data: ArrayLike<number> }, i: number) => data[i % data.length];

/**
 * One step of one sample, computed element by element straight from the definition: for each output the list of its
 * terms in order, then their sum. Slow, and shares no code with the executor.
 */
export function directStep(
  graph: StepGraph,
  inputs: readonly ArrayLike<number>[],
  state: ReadonlyMap<string, ArrayLike<number>>,
): { values: Values; state: Map<string, number[]> } {
  const values: Values = new Map(Object.entries(graph.weights));
  graph.inputs.forEach(({ name, type }, i) => values.set(name, { data: inputs[i], shape: type.shape }));
  const next = new Map<string, number[]>();
  for (const node of graph.nodes) {
    const operands = node.inputs.map((id) => known(values, id));
    const size = node.type.shape.reduce((a, b) => a * b, 1);
    const key = String(node.attrs.key);
    const data =
      node.op === 'load'
        ? Array.from(known(state, key))
        : Array.from({ length: size }, (_, i) => element(node, operands, i));
    if (node.op === 'save') next.set(key, data);
    values.set(node.id, { data, shape: node.type.shape });
  }
  return { values, state: next };
}

type Term = readonly [x: number, w: number];

/** The bias, then four terms at a time: their products left to right, then their sum. Zero inputs add nothing. */
const sum = (start: number, terms: readonly Term[]) =>
  range(Math.ceil(terms.length / 4)).reduce((acc, k) => {
    const products = terms
      .slice(4 * k, 4 * k + 4)
      .filter(([x]) => x !== 0)
      .map(([x, w]) => f32(x * w));
    return products.length === 0 ? acc : f32(acc + products.reduce((a, b) => f32(a + b)));
  }, start);

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function element(
  node: Node,
  operands: readonly { data: ArrayLike<number>; shape: readonly number[] }[],
  i: number,
): number {
  const [x, y, z] = operands;
  const channels = node.type.shape.at(-1) ?? 1;
  const c = i % channels;
  const columns = node.type.shape[1] ?? 1;
  const [row, column] = [Math.floor(i / channels / columns), Math.floor(i / channels) % columns];
  const cell = (iy: number, ix: number, ci: number) => x.data[(iy * x.shape[1] + ix) * x.shape[2] + ci];
  const inside = (iy: number, ix: number) => iy >= 0 && ix >= 0 && iy < x.shape[0] && ix < x.shape[1];
  switch (node.op) {
    case 'dense':
      return sum(
        z ? z.data[c] : 0,
        range(x.data.length).map((k) => [x.data[k], y.data[k * channels + c]]),
      );
    case 'conv2d': {
      const { stride, padding, groups } = node.attrs as unknown as Window & { groups: number };
      const [kh, kw, inner, outer] = y.shape;
      const first = Math.floor(c / (outer / groups)) * inner;
      const taps = range(kh).flatMap((ky) =>
        range(kw).map((kx) => {
          const [iy, ix] = [row * stride[0] + ky - padding[0], column * stride[1] + kx - padding[2]];
          if (!inside(iy, ix)) return [];
          return range(inner).map((ci): Term => [
            cell(iy, ix, first + ci),
            y.data[((ky * kw + kx) * inner + ci) * outer + c],
          ]);
        }),
      );
      return taps.reduce(sum, z ? z.data[c] : 0);
    }
    case 'maxPool':
    case 'avgPool': {
      const { size, stride, padding } = node.attrs as unknown as Window;
      const cells = range(size[0]).flatMap((ky) =>
        range(size[1]).flatMap((kx) => {
          const [iy, ix] = [row * stride[0] + ky - padding[0], column * stride[1] + kx - padding[2]];
          return inside(iy, ix) ? [cell(iy, ix, c)] : [];
        }),
      );
      if (node.op === 'maxPool') return Math.max(...cells);
      return f32(cells.reduce((acc, v) => f32(acc + v), 0) * f32(1 / cells.length));
    }
    case 'globalAvgPool': {
      const pixels = x.shape[0] * x.shape[1];
      return f32(range(pixels).reduce((acc, k) => f32(acc + x.data[k * channels + c]), 0) * f32(1 / pixels));
    }
    case 'save':
    case 'reshape':
      return x.data[i];
    case 'constant':
      return f32(Number(node.attrs.value));
    case 'affine':
      return f32(f32(pick(x, i) * pick(y, i)) + pick(z, i));
    case 'fire':
      return pick(x, i) > f32(Number(node.attrs.threshold)) ? 1 : 0;
    case 'resetDecay': {
      const [u, theta, v0, alpha, beta] = operands.map((operand) => pick(operand, i));
      return u > theta ? f32(f32(alpha * v0) + beta) : f32(f32(alpha * u) + beta);
    }
    case 'add':
      return f32(pick(x, i) + pick(y, i));
    case 'sub':
      return f32(pick(x, i) - pick(y, i));
    case 'mul':
      return f32(pick(x, i) * pick(y, i));
    case 'gt':
      return pick(x, i) > pick(y, i) ? 1 : 0;
    case 'relu':
      return pick(x, i) > 0 ? pick(x, i) : 0;
    case 'tanh':
      return f32(Math.tanh(pick(x, i)));
    case 'blend': {
      const s = pick(x, i);
      return s === 1
        ? pick(y, i)
        : s === 0
          ? pick(z, i)
          : f32(f32(s * pick(y, i)) + f32(f32(1 - s) * pick(z, i)));
    }
    default:
      throw new Error(`the direct implementation has no ${node.op}`);
  }
}
