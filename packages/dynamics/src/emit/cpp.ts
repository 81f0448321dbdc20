import { inputsOf, isMask, type Expression } from '../expression/expression.js';
import { reachable } from '../expression/gradient.js';
import type { Pass } from './pass.js';

/** Fields of `BidlRows` with one value for each lane (parameters written out over a row); the others hold rows. */
const LANES = /^(param\[\d+\]|bias|mean|scale|shift|inv|mean_du|mean_dot)$/;

/**
 * C++ of one pass: a function over rows of neurons in the vector types of `native/cpu/vector.h`, which the compiler
 * turns into whole-vector code backward as well as forward.
 */
export function passSource(name: string, { stores, sums, kept = new Map() }: Pass): string {
  const roots = [...stores, ...sums].map(([, value]) => value);
  const nodes = reachable(roots, new Set(kept.keys()));
  const fields = new Map<string, string>();
  /** The local pointer to a field of `rows`. */
  const local = (field: string): string => {
    const id = field.replace(/\W+/g, '_').replace(/_$/, '');
    fields.set(field, id);
    return id;
  };
  const body = nodes.flatMap((node) => {
    const place = kept.get(node);
    if (place !== undefined) return [`const vf e${node.id} = part.get(${local(place)} + i);`];
    return definition(node, local) ?? [];
  });
  for (const [field, value] of stores) body.push(`part.put(${local(field)} + i, ${asFloat(value)});`);
  for (const [field, value] of sums) body.push(`part.add(${local(`sum_${field}`)} + j, ${asFloat(value)});`);
  const constants = nodes.flatMap((node) => (node.kind === 'constant' ? [node.slot] : []));
  return [
    `void ${name}(const BidlRows& rows) {`,
    ...[...fields].map(([field, id]) => `  float* const ${id} = rows.${field};`),
    ...constants.map((slot) => `  const vf c${slot} = splat(rows.constants[${slot}]);`),
    '  each(rows, [=](int64_t i, int64_t j, auto part) {',
    ...body.map((line) => `    ${line}`),
    '  });',
    '}',
  ].join('\n');
}

/** The line that computes a node; none for what is written where it is used. */
function definition(node: Expression, local: (field: string) => string): string | undefined {
  if (node.kind === 'leaf') {
    const read = LANES.test(node.name)
      ? `load(${local(node.name)} + j)`
      : `part.get(${local(node.name)} + i)`;
    return `const vf e${node.id} = ${read};`;
  }
  if (node.kind !== 'operation' || node.operation === 'fire') return undefined;
  return isMask(node)
    ? `const vi m${node.id} = ${maskOf(node)};`
    : `const vf e${node.id} = ${valueOf(node)};`;
}

type OperationNode = Expression & { kind: 'operation' };

function maskOf(node: OperationNode): string {
  const [a, b] = node.operands;
  if (node.operation === 'gt') return `${asFloat(a)} > ${asFloat(b)}`;
  return node.operation === 'mul' ? `${asMask(a)} & ${asMask(b)}` : `~${asMask(b)}`;
}

function valueOf(node: OperationNode): string {
  const [a, b, c] = node.operands;
  const [x, y] = [a, b].map((operand) => (operand === undefined ? '' : asFloat(operand)));
  switch (node.operation) {
    case 'add':
      return `${x} + ${y}`;
    case 'sub':
      return `${x} - ${y}`;
    case 'mul':
      if (b !== undefined && isMask(b)) return `zero_or(${asMask(b)}, ${x})`;
      return a !== undefined && isMask(a) ? `zero_or(${asMask(a)}, ${y})` : `${x} * ${y}`;
    case 'div':
      return `${x} / ${y}`;
    case 'neg':
      return `-${x}`;
    case 'blend':
      if (a !== undefined && isMask(a)) return `choose(${asMask(a)}, ${y}, ${asFloat(c)})`;
      return `blend(${x}, ${y}, ${asFloat(c)})`;
    default:
      return `v_${node.operation}(${x})`;
  }
}

/** The vector of a node's numbers. */
function asFloat(node: Expression | undefined): string {
  if (node === undefined) throw new RangeError('an operand is missing');
  if (node.kind === 'constant') return `c${node.slot}`;
  if (node.kind === 'literal') return node.value === 0 ? 'vf{}' : `splat(${node.value.toFixed(1)}f)`;
  if (isMask(node)) return `zero_or(${asMask(node)}, splat(1.0f))`;
  return isSpike(node) ? asFloat(inputsOf(node)[0]) : `e${node.id}`;
}

/** The vector of a comparison's results, all bits set or none. */
function asMask(node: Expression | undefined): string {
  if (node === undefined) throw new RangeError('an operand is missing');
  return isSpike(node) ? asMask(inputsOf(node)[0]) : `m${node.id}`;
}

const isSpike = (node: Expression): boolean => node.kind === 'operation' && node.operation === 'fire';
