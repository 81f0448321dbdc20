import type { Attributes, Node, StepGraph } from '../graph.js';
import { nodeMacs, shapesOf, stateItemSize, summarize } from './summary.js';

export const showShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** 1234567 as `1,234,567`. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

const showValue = (value: Attributes[string]): string =>
  Array.isArray(value) ? showShape(value) : String(value);

const showAttributes = (attrs: Attributes): string =>
  Object.entries(attrs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${showValue(value)}`)
    .join(' ');

/** Rows with columns under each other; the columns named in `right` stand to the right. */
function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = rows.reduce<number[]>(
    (w, row) => row.map((cell, i) => Math.max(cell.length, w[i] ?? 0)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .replace(/^/, '  ')
      .trimEnd(),
  );
}

const call = (node: Node): string =>
  `${node.op}(${[...node.inputs, ...(Object.keys(node.attrs).length > 0 ? [showAttributes(node.attrs)] : [])].join(', ')})`;

/**
 * A graph in text: inputs, states, every operation with its shape and multiply-accumulates, outputs, and what each
 * layer costs. The same graph gives the same text.
 */
export function printGraph(graph: StepGraph): string {
  const shapeOf = shapesOf(graph);
  const { layers, total } = summarize(graph);
  const lines = [
    `graph ${graph.name}: ${graph.timesteps} step(s), ${graph.nodes.length} operations, ` +
      `${grouped(total.macs)} MACs a step, ${grouped(total.parameters)} parameters, ` +
      `${graph.states.length} state(s) of ${grouped(total.stateBytes)} bytes a sample`,
    '',
    'inputs',
    ...table(graph.inputs.map(({ name, type }) => [name, type.dtype, showShape(type.shape)])),
    '',
    'states',
    ...table(
      graph.states.map(({ key, dtype, shape, initial }) => [
        key,
        dtype,
        showShape(shape),
        `from ${initial}`,
        `${grouped(shape.reduce((a, b) => a * b, stateItemSize(dtype)))} bytes`,
      ]),
      [4],
    ),
    '',
    'operations',
    ...table(
      graph.nodes.map((node) => {
        const macs = nodeMacs(node, shapeOf);
        return [node.id, showShape(node.type.shape), macs > 0 ? `${grouped(macs)} MACs` : '', call(node)];
      }),
      [2],
    ),
    '',
    'outputs',
    ...table(graph.outputs.map(({ name, value }) => [name, value, showShape(shapeOf(value))])),
    '',
    ...table(
      [
        ['layers', 'operations', 'MACs', 'parameters', 'state bytes'],
        ...[...layers, { layer: 'total', ...total }].map((cost) => [
          cost.layer,
          ...[cost.operations, cost.macs, cost.parameters, cost.stateBytes].map(grouped),
        ]),
      ],
      [1, 2, 3, 4],
    ).map((line, i) => (i === 0 ? line.slice(2).replace('layers', 'layers  ') : line)),
  ];
  return lines.join('\n') + '\n';
}
