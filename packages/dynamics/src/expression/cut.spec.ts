import { cheapestCut } from './cut.js';
import { Expressions, type Expression } from './expression.js';

const graph = new Expressions();
const [x, v, w, p] = ['x', 'v', 'w', 'p'].map((name) => graph.leaf(name)) as [
  Expression,
  Expression,
  Expression,
  Expression,
];
const gone = new Set([x, v, w]);
const cost = (node: Expression) => (node === x ? 1 : 2);

test('one sum is cheaper than its two summands', () => {
  const sum = graph.operation('add', x, v);
  const needed = [graph.operation('tanh', sum), graph.operation('mul', sum, p)];
  expect(cheapestCut(needed, gone, cost)).toEqual([sum]);
});

test('what is computed from the input alone costs the input', () => {
  const needed = [graph.operation('tanh', x), graph.operation('exp', x)];
  expect(cheapestCut(needed, gone, cost)).toEqual([x]);
});

test('values that many needed nodes share are kept at their narrowest', () => {
  const product = graph.operation('mul', v, w);
  const needed = ['tanh', 'exp', 'atan'].map((name) =>
    graph.operation(name as 'tanh', graph.operation('add', product, graph.operation('mul', p, x))),
  );
  // Either x and the product, or their sum: the sum costs less than both.
  expect(cheapestCut(needed, gone, cost)).toEqual([
    graph.operation('add', product, graph.operation('mul', p, x)),
  ]);
});

test('what can’t be kept is computed again', () => {
  const over = graph.operation('gt', v, p);
  const isMask = (node: Expression) => node === over;
  expect(cheapestCut([over], gone, (node) => (isMask(node) ? Infinity : 2))).toEqual([v]);
  expect(() => cheapestCut([over], gone, () => Infinity)).toThrow('neither kept nor computed');
});

test('parameters are there, and nothing is kept for them', () => {
  expect(cheapestCut([graph.operation('exp', p)], gone, cost)).toEqual([]);
});
