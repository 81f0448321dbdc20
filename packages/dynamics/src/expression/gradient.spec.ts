import { expectClose } from '@bidl/testing';
import type { Ops } from '../ops.js';
import { SCALAR, type ScalarFunction } from '../reference/scalar.js';
import { sigmoid } from '../surrogates/smooth.js';
import { expressionOps, Expressions, inputsOf, type Expression } from './expression.js';
import { gradients, reachable } from './gradient.js';

const POINT = { x: 0.7, y: -1.3, z: 0.4 };

/** The number that an expression has at a point. */
function evaluate(graph: Expressions, root: Expression, at: Readonly<Record<string, number>>): number {
  const values = new Map<Expression, number>();
  for (const node of reachable([root])) {
    const [a = NaN, b = NaN, c = NaN] = inputsOf(node).map((operand) => values.get(operand) ?? NaN);
    const value = (): number => {
      if (node.kind === 'leaf') return at[node.name] ?? NaN;
      if (node.kind === 'literal') return node.value;
      if (node.kind === 'constant') return graph.constants[node.slot] ?? NaN;
      if (node.operation === 'fire') return a;
      if (node.operation === 'blend') return a * b + (1 - a) * c;
      const { f }: ScalarFunction = SCALAR[node.operation];
      return f(a, b);
    };
    values.set(node, value());
  }
  return values.get(root) ?? NaN;
}

const functions: Record<string, <T>(o: Ops<T>, x: T, y: T, z: T) => T> = {
  'sums and differences': (o, x, y, z) => o.sub(o.add(x, y), o.sub(z, o.add(x, x))),
  'products and quotients': (o, x, y, z) => o.div(o.mul(x, o.mul(y, x)), o.add(z, o.mul(y, y))),
  'exp, tanh, sigmoid, atan': (o, x, y, z) =>
    o.add(o.mul(o.exp(o.mul(x, y)), o.tanh(z)), o.mul(o.sigmoid(x), o.atan(o.sub(y, z)))),
  'abs, neg, relu': (o, x, y, z) => o.add(o.mul(o.abs(y), o.neg(x)), o.relu(o.sub(x, o.relu(o.add(y, z))))),
  'a gate between two values': (o, x, y, z) => o.blend(o.sigmoid(x), o.mul(y, z), o.sub(x, z)),
  'comparisons have no gradient': (o, x, y, z) => o.mul(o.add(o.gt(x, y), o.sign(z)), o.mul(x, z)),
  'a value used again and again': (o, x, y, z) => {
    const u = o.mul(x, y);
    return o.add(o.mul(u, u), o.div(u, o.add(o.constant(2), o.mul(z, u))));
  },
};

describe('reverse mode finds what finite differences find', () => {
  test.each(Object.entries(functions))('%s', (_, f) => {
    const graph = new Expressions();
    const leaves = Object.keys(POINT).map((name) => graph.leaf(name));
    const [x, y, z] = leaves as [Expression, Expression, Expression];
    const value = f(expressionOps(graph, sigmoid()), x, y, z);
    const found = gradients(graph, [[value, graph.literal(1)]], leaves);
    const h = 1e-6;
    const slopes = (Object.keys(POINT) as (keyof typeof POINT)[]).map((name) => {
      const moved = (d: number) => evaluate(graph, value, { ...POINT, [name]: POINT[name] + d });
      return (moved(h) - moved(-h)) / (2 * h);
    });
    const got = leaves.map((leaf) => {
      const gradient = found.get(leaf);
      return gradient ? evaluate(graph, gradient, POINT) : 0;
    });
    expectClose(got, slopes, { atol: 1e-8, rtol: 1e-6 });
  });
});

test('a spike’s gradient is its surrogate’s derivative, also where nothing else leads back', () => {
  const graph = new Expressions();
  const surrogate = sigmoid({ slope: 3 });
  const x = graph.leaf('x');
  const spike = expressionOps(graph, surrogate).fire(x);
  const gradient = gradients(graph, [[spike, graph.literal(1)]], [x]).get(x);
  const s = 1 / (1 + Math.exp(-3 * POINT.x));
  expectClose([evaluate(graph, gradient ?? x, POINT)], [3 * s * (1 - s)], { atol: 1e-12, rtol: 1e-9 });
});

test('the way down ends at an inner node that is asked for', () => {
  const graph = new Expressions();
  const [x, y] = [graph.leaf('x'), graph.leaf('y')];
  const inner = graph.operation('mul', x, y);
  const found = gradients(graph, [[graph.operation('mul', inner, x), graph.leaf('g')]], [x, inner]);
  expect(found.get(inner)).toBe(graph.operation('mul', graph.leaf('g'), x));
  expect(found.get(x)).toBe(graph.operation('mul', graph.leaf('g'), inner));
});
