import { inputsOf, type Expression, type Expressions } from './expression.js';

/** Nodes that the values of `roots` are computed from, themselves included, operands first. */
export function reachable(
  roots: Iterable<Expression>,
  stops: ReadonlySet<Expression> = new Set(),
): Expression[] {
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    if (!stops.has(node)) inputsOf(node).forEach(visit);
    seen.add(node);
  };
  for (const root of roots) visit(root);
  return [...seen];
}

/**
 * Reverse mode: the gradients of Σ seed · value in `wrt`, as expressions.
 *
 * @param seeds values with the gradients that reach them from outside
 * @param wrt leaves or inner nodes; the way down ends at them
 * @returns a gradient for each of `wrt` that the values depend on
 */
export function gradients(
  graph: Expressions,
  seeds: readonly (readonly [Expression, Expression])[],
  wrt: readonly Expression[],
): ReadonlyMap<Expression, Expression> {
  const ends = new Set(wrt);
  // What depends on `wrt`, operands first. A spike's way back leads to what it fired on, whatever its value comes from.
  const ways = (node: Expression) =>
    node.kind === 'operation' && node.operation === 'fire' ? node.operands.slice(0, 1) : inputsOf(node);
  const varies = new Set<Expression>();
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (!ends.has(node)) ways(node).forEach(visit);
    if (ends.has(node) || ways(node).some((operand) => varies.has(operand))) varies.add(node);
  };
  for (const [value] of seeds) visit(value);

  const found = new Map<Expression, Expression>();
  const give = (node: Expression, gradient: Expression): void => {
    if (!varies.has(node)) return;
    const before = found.get(node);
    found.set(node, before ? plus(graph, before, gradient) : gradient);
  };
  for (const [value, seed] of seeds) give(value, seed);
  for (const node of [...varies].reverse()) {
    const g = found.get(node);
    if (g === undefined || ends.has(node) || node.kind !== 'operation') continue;
    backwards(graph, node, g).forEach((share, k) => {
      const operand = node.operands[k];
      if (share !== undefined && operand !== undefined) give(operand, share());
    });
  }
  return new Map([...found].filter(([node]) => ends.has(node)));
}

/** a + b; adding a negative is subtracting. */
function plus(graph: Expressions, a: Expression, b: Expression): Expression {
  if (b.kind === 'operation' && b.operation === 'neg') return graph.operation('sub', a, operand(b, 0));
  if (a.kind === 'operation' && a.operation === 'neg') return graph.operation('sub', b, operand(a, 0));
  return graph.operation('add', a, b);
}

function operand(node: Expression & { kind: 'operation' }, k: number): Expression {
  const found = node.operands[k];
  if (found === undefined) throw new RangeError(`${node.operation} has no operand ${k}`);
  return found;
}

type Share = (() => Expression) | undefined;

/** What each operand gets of the gradient `g` of an operation. */
function backwards(
  graph: Expressions,
  node: Expression & { kind: 'operation' },
  g: Expression,
): readonly Share[] {
  const op: Expressions['operation'] = (name, ...operands) => graph.operation(name, ...operands);
  const one = graph.literal(1);
  const at = (k: number) => operand(node, k);
  switch (node.operation) {
    case 'add':
      return [() => g, () => g];
    case 'sub':
      return [() => g, () => op('neg', g)];
    case 'mul':
      return [() => op('mul', g, at(1)), () => op('mul', g, at(0))];
    case 'div':
      return [() => op('div', g, at(1)), () => op('neg', op('div', op('mul', g, node), at(1)))];
    case 'neg':
      return [() => op('neg', g)];
    case 'abs':
      return [() => op('mul', g, op('sign', at(0)))];
    case 'exp':
      return [() => op('mul', g, node)];
    case 'tanh':
      return [() => op('mul', g, op('sub', one, op('mul', node, node)))];
    case 'sigmoid':
      return [() => op('mul', g, op('mul', node, op('sub', one, node)))];
    case 'relu':
      return [() => op('mul', g, op('gt', at(0), graph.literal(0)))];
    case 'atan':
      return [() => op('div', g, op('add', one, op('mul', at(0), at(0))))];
    case 'blend':
      return [
        () => op('mul', g, op('sub', at(1), at(2))),
        () => op('mul', g, at(0)),
        () => op('mul', g, op('sub', one, at(0))),
      ];
    case 'fire': {
      const slope = at(2);
      const flat = slope.kind === 'constant' && graph.constants[slope.slot] === 0;
      return [flat ? undefined : () => op('mul', g, slope)];
    }
    case 'gt':
    case 'sign':
      return [];
  }
}
