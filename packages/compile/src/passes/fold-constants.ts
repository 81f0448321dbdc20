import { createExecutor, type Node, type OpName, type StepGraph } from '@bidl/graph';
import { deadCode } from './dead-code.js';
import { Rewrite, type Pass } from './rewrite.js';

/** Operations whose result depends on nothing but their operands, and which take weights as operands. */
const FOLDABLE: ReadonlySet<OpName> = new Set<OpName>([
  'add',
  'sub',
  'mul',
  'div',
  'neg',
  'abs',
  'exp',
  'tanh',
  'sigmoid',
  'relu',
  'atan',
  'gt',
  'sign',
  'blend',
  'affine',
]);

/**
 * Computes once what is the same in every step (by the reference executor, so to the bit), and drops operations that
 * change nothing: + 0, − 0, · 1, / 1, x·1 + 0.
 */
export const foldConstants: Pass = (original) => {
  const graph = new Rewrite(original);
  for (const { id } of graph.list()) {
    const node = graph.get(id);
    const kept = unchanged(graph, node);
    if (kept !== undefined) graph.bypass(id, kept);
    else if (foldable(graph, node)) {
      const weight = graph.addWeight(
        `${node.layer}/folded/constant`,
        computed(original, graph, node),
        node.type.shape,
      );
      graph.bypass(id, weight);
    }
  }
  return deadCode(graph.done());
};

function foldable(graph: Rewrite, node: Node): boolean {
  if (!FOLDABLE.has(node.op) || !node.inputs.every((id) => graph.numbers(id) !== undefined)) return false;
  // A save, and every output, needs a value that is made at run time.
  return graph.users(node.id).every(({ op }) => FOLDABLE.has(op) || op === 'resetDecay' || op === 'fire');
}

/** Runs one node alone. */
function computed(original: StepGraph, graph: Rewrite, node: Node): Float32Array {
  const constants = node.inputs.flatMap((id) => {
    const constant = graph.node(id);
    return constant ? [constant] : [];
  });
  const weights = node.inputs.flatMap((id) => {
    const weight = graph.weight(id);
    return weight ? [[id, weight] as const] : [];
  });
  const alone: StepGraph = {
    ...original,
    inputs: [{ name: 'step', type: { shape: [], dtype: 'float32' } }],
    outputs: [{ name: 'result', value: node.id }],
    nodes: [...new Set(constants), node],
    states: [],
    weights: Object.fromEntries(weights),
  };
  const executor = createExecutor(alone);
  const [result] = executor.step([new Float32Array(1)], executor.initialState(1)).outputs;
  return result;
}

/** The operand that a node passes on unchanged, if it does. */
function unchanged(graph: Rewrite, { op, inputs, type }: Node): string | undefined {
  const [a, b, c] = inputs;
  const is = (id: string, value: number) => id !== undefined && graph.scalar(id) === value;
  const fits = (id: string) => graph.node(id)?.type.shape.join() === type.shape.join();
  const passes = (id: string, neutral: boolean) => (neutral && fits(id) ? id : undefined);
  switch (op) {
    case 'add':
      return passes(a, is(b, 0)) ?? passes(b, is(a, 0));
    case 'sub':
      return passes(a, is(b, 0));
    case 'mul':
      return passes(a, is(b, 1)) ?? passes(b, is(a, 1));
    case 'div':
      return passes(a, is(b, 1));
    case 'affine':
      return passes(a, is(b, 1) && is(c, 0));
    default:
      return undefined;
  }
}
