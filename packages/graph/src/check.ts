import { sizeOf } from '@bidl/formats';
import { GraphError, type Node, type StateSlot, type StepGraph, type ValueType } from './graph.js';
import { inferType, opSpec, type OperandKind } from './ops/table.js';
import { parseGraph } from './schema.js';

const list = (shape: readonly number[]) => `[${shape.join(', ')}]`;
const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((d, i) => d === b[i]);

interface Known {
  readonly type: ValueType;
  readonly from: Exclude<OperandKind, 'any'>;
}

/** Every way in which the graph breaks the rules, in order of appearance; empty for a sound one. */
export function graphProblems(graph: StepGraph): string[] {
  const problems: string[] = [];
  const known = new Map<string, Known>();
  const later = new Set(graph.nodes.map((node) => node.id));
  const announce = (id: string, value: Known, what: string) => {
    if (known.has(id)) problems.push(`${what} "${id}": the name is taken; every value needs its own`);
    known.set(id, value);
  };

  for (const { name, type } of graph.inputs) announce(name, { type, from: 'value' }, 'input');
  for (const [name, { shape, data }] of Object.entries(graph.weights)) {
    announce(name, { type: { shape, dtype: 'float32' }, from: 'weight' }, 'weight');
    if (sizeOf(shape) !== data.length) {
      problems.push(
        `weight "${name}": shape ${list(shape)} needs ${sizeOf(shape)} numbers, not ${data.length}`,
      );
    }
  }

  const slots = new Map<string, StateSlot>();
  for (const slot of graph.states) {
    if (slots.has(slot.key)) problems.push(`state "${slot.key}": there are two of that key`);
    slots.set(slot.key, slot);
  }
  problems.push(...accessProblems(graph));

  const saves = new Set<string>();
  for (const node of graph.nodes) {
    const say = (what: string) => problems.push(`node "${node.id}" (${node.op}): ${what}`);
    const operandTypes = operandsOf(node, known, later, saves, say);
    const slot = node.op === 'load' || node.op === 'save' ? slots.get(String(node.attrs.key)) : undefined;
    if (operandTypes) {
      try {
        const types =
          node.op === 'load' && slot ? [{ shape: slot.shape, dtype: 'float32' as const }] : operandTypes;
        if (node.op !== 'load' || slot) checkType(node, inferType(node.op, types, node.attrs), slot, say);
      } catch (error) {
        if (!(error instanceof GraphError)) throw error;
        say(error.message.replace(`${node.op}: `, ''));
      }
    }
    announce(node.id, { type: node.type, from: 'value' }, 'node');
    if (node.op === 'save') saves.add(node.id);
  }

  if (graph.outputs.length === 0) problems.push('the graph has no output');
  const names = new Set<string>();
  for (const { name, value } of graph.outputs) {
    if (names.has(name)) problems.push(`output "${name}": there are two of that name`);
    names.add(name);
    if (!known.has(value)) problems.push(`output "${name}": there is no value "${value}"`);
    else if (saves.has(value))
      problems.push(`output "${name}": "${value}" is a save; hand out what it saves`);
  }
  return problems;
}

/** Types of the operands, or undefined when one is missing; kinds and numbers are checked on the way. */
function operandsOf(
  node: Node,
  known: ReadonlyMap<string, Known>,
  later: ReadonlySet<string>,
  saves: ReadonlySet<string>,
  say: (what: string) => void,
): ValueType[] | undefined {
  const { operands } = opSpec(node.op);
  const least = operands.filter((operand) => !operand.optional).length;
  if (node.inputs.length < least || node.inputs.length > operands.length) {
    const names = operands.map((operand) => operand.name + (operand.optional ? '?' : '')).join(', ');
    say(`takes (${names}), got ${node.inputs.length} operand(s)`);
    return undefined;
  }
  const types: ValueType[] = [];
  node.inputs.forEach((id, i) => {
    const value = known.get(id);
    const { name, from } = operands[i];
    if (!value) {
      say(
        later.has(id)
          ? `reads ${name} "${id}", which is made only later; nodes stand in order of execution`
          : `reads ${name} "${id}", but there is no such node, input or weight`,
      );
      return;
    }
    if (saves.has(id)) say(`reads ${name} "${id}", which is a save; read what it saves`);
    if (from !== 'any' && from !== value.from)
      say(`${name} must be a ${from}, but "${id}" is a ${value.from}`);
    types.push(value.type);
  });
  return types.length === node.inputs.length ? types : undefined;
}

function checkType(
  node: Node,
  inferred: ValueType,
  slot: StateSlot | undefined,
  say: (what: string) => void,
): void {
  const { shape, dtype } = node.type;
  if (!sameShape(shape, inferred.shape)) {
    say(`declares shape ${list(shape)}, but makes ${list(inferred.shape)}`);
  }
  if (dtype !== 'float32') say(`declares ${dtype}, but operations make float32`);
  if (slot && !sameShape(slot.shape, inferred.shape)) {
    say(`state "${slot.key}" has shape ${list(slot.shape)}, not ${list(inferred.shape)}`);
  }
}

/** Every state has exactly one reader and one writer, and no load or save lacks its state. */
function accessProblems(graph: StepGraph): string[] {
  const problems: string[] = [];
  for (const op of ['load', 'save'] as const) {
    const nodes = graph.nodes.filter((node) => node.op === op);
    for (const { key } of graph.states) {
      const found = nodes.filter((node) => node.attrs.key === key).length;
      if (found !== 1) problems.push(`state "${key}": needs exactly one ${op}, has ${found}`);
    }
    for (const node of nodes) {
      if (!graph.states.some((slot) => slot.key === node.attrs.key)) {
        problems.push(`node "${node.id}" (${op}): there is no state "${String(node.attrs.key)}"`);
      }
    }
  }
  return problems;
}

/**
 * Makes sure that a graph keeps every rule: its form, names that are unique and stand in order of execution, one load
 * and one save for each state, shapes that infer to the declared ones, weights of the right size.
 *
 * @returns the graph itself
 * @throws GraphError with every problem in `problems`
 */
export function checkGraph(data: StepGraph): StepGraph {
  const graph = parseGraph(data);
  const problems = graphProblems(graph);
  if (problems.length > 0) {
    const more = problems.length > 8 ? `\n  and ${problems.length - 8} more` : '';
    throw new GraphError(
      `graph "${graph.name}" is not sound:\n  ${problems.slice(0, 8).join('\n  ')}${more}`,
      problems,
    );
  }
  return data;
}
