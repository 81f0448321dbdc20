import { rectangle } from '../surrogates/upstream.js';
import { expressionOps, Expressions, inputsOf, isMask } from './expression.js';

const setup = () => {
  const graph = new Expressions();
  return { graph, o: expressionOps(graph, rectangle()), x: graph.leaf('x'), y: graph.leaf('y') };
};

test('equal expressions are one node', () => {
  const { o, x, y, graph } = setup();
  expect(o.add(x, o.mul(x, y))).toBe(o.add(x, o.mul(x, y)));
  expect(o.add(x, y)).not.toBe(o.add(y, x)); // rounding apart the same, but operands keep their order
  expect(graph.leaf('x')).toBe(x);
});

test('what is computed from constants alone is a constant, rounded at every step', () => {
  const { o, graph } = setup();
  const sum = o.add(o.constant(0.1), o.mul(o.constant(0.2), o.constant(3)));
  expect(sum.kind).toBe('constant');
  const f = Math.fround;
  expect(graph.constants.at(-1)).toBe(f(f(0.1) + f(f(0.2) * 3)));
});

test('constants of equal value stay apart: no structure depends on a number', () => {
  const { o } = setup();
  expect(o.constant(1)).not.toBe(o.constant(1));
});

test('comparisons, and what logic makes of them, are masks', () => {
  const { o, x, y, graph } = setup();
  const over = o.gt(x, y);
  const spike = o.fire(x);
  const silent = graph.operation('sub', graph.literal(1), spike);
  for (const node of [over, spike, silent, o.mul(over, silent)]) expect(isMask(node)).toBe(true);
  for (const node of [x, o.mul(over, x), o.sub(o.constant(1), over), o.sign(x)])
    expect(isMask(node)).toBe(false);
});

test('a spike’s value comes from its forward function, not from its slope', () => {
  const { o, x } = setup();
  const spike = o.fire(x);
  expect(inputsOf(spike).map((node) => node.kind === 'operation' && node.operation)).toEqual(['gt']);
});
