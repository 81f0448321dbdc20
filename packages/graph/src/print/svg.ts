import type { Node, StepGraph } from '../graph.js';
import { type Box, type Edge, layered, type Point } from './layout.js';
import { type LayerCost, shapesOf, stateItemSize, summarize } from './summary.js';
import { grouped, showShape } from './text.js';

type Kind = 'input' | 'output' | 'synapse' | 'neuron' | 'pool' | 'state' | 'other';

interface Drawn extends Box {
  readonly kind: Kind;
  /** The first line is the title. */
  readonly lines: readonly string[];
  /** Shown when the pointer rests on the box. */
  readonly hint: string;
}

export interface SvgOptions {
  /** One box for each layer, or for each operation. Default: operations while there are at most 40. */
  readonly detail?: 'layers' | 'operations';
}

const FILL: Readonly<Record<Kind, string>> = {
  input: '#e8eaed',
  output: '#e8eaed',
  synapse: '#d2e3fc',
  neuron: '#fce8b2',
  pool: '#ceead6',
  state: '#fad2cf',
  other: '#ffffff',
};
const LINE = 15;
const CHARACTER = 6.7;

/** A step graph as an SVG picture: data from top to bottom, state slots in red. The same graph gives the same picture. */
export function graphSvg(graph: StepGraph, options: SvgOptions = {}): string {
  const { detail = graph.nodes.length <= 40 ? 'operations' : 'layers' } = options;
  const { boxes, edges } = detail === 'layers' ? layerView(graph) : operationView(graph);
  const layout = layered(boxes, edges);
  const drawn = new Map(boxes.map((box) => [box.id, box]));
  const title = `${graph.name}: one of ${graph.timesteps} time step(s)`;
  const width = Math.ceil(Math.max(layout.width, title.length * 8 + 48));
  const height = Math.ceil(layout.height + 24);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Menlo, Consolas, monospace" font-size="11">`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#5f6368"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="24" y="24" font-size="13" font-weight="bold">${escaped(title)}</text>`,
    '<g transform="translate(0 24)">',
    ...layout.paths.map(
      ({ points }) => `<path d="${curve(points)}" fill="none" stroke="#5f6368" marker-end="url(#tip)"/>`,
    ),
    ...layout.boxes.map(({ box, x, y }) => {
      const { kind, lines, hint } = drawn.get(box.id) ?? {
        kind: 'other' as const,
        lines: [box.id],
        hint: '',
      };
      const middle = tidy(x + box.width / 2);
      const rows = lines.map(
        (line, i) =>
          `<text x="${middle}" y="${tidy(y + 4 + LINE * (i + 0.75))}" text-anchor="middle"${i === 0 ? ' font-weight="bold"' : ''}>${escaped(line)}</text>`,
      );
      const round = kind === 'state' || kind === 'input' || kind === 'output' ? 12 : 3;
      return `<g><title>${escaped(hint)}</title><rect x="${tidy(x)}" y="${tidy(y)}" width="${tidy(box.width)}" height="${box.height}" rx="${round}" fill="${FILL[kind]}" stroke="#5f6368"/>${rows.join('')}</g>`;
    }),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

const tidy = (n: number): number => Math.round(n * 10) / 10;

const escaped = (text: string): string =>
  text
    .replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
    .replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, '?');

/** A smooth line that leaves and arrives vertically. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let from = first;
  const parts = rest.map((to) => {
    const bend = tidy((from.y + to.y) / 2);
    const part =
      Math.abs(from.x - to.x) < 0.5
        ? `L${tidy(to.x)} ${tidy(to.y)}`
        : `C${tidy(from.x)} ${bend} ${tidy(to.x)} ${bend} ${tidy(to.x)} ${tidy(to.y)}`;
    from = to;
    return part;
  });
  return `M${tidy(first.x)} ${tidy(first.y)}${parts.join('')}`;
}

function box(id: string, kind: Kind, lines: readonly string[], hint = id, floating = false): Drawn {
  const longest = Math.max(...lines.map((line) => line.length));
  return {
    id,
    kind,
    lines,
    hint,
    floating,
    width: longest * CHARACTER + 20,
    height: lines.length * LINE + 8,
  };
}

const kindOf = ({ op }: Node): Kind => {
  if (op === 'conv2d' || op === 'dense') return 'synapse';
  if (op === 'load' || op === 'save') return 'state';
  if (op === 'fire' || op === 'resetDecay' || op === 'gt' || op === 'blend') return 'neuron';
  return op.endsWith('Pool') ? 'pool' : 'other';
};

interface View {
  readonly boxes: Drawn[];
  readonly edges: Edge[];
}

const inputBox = (graph: StepGraph): Drawn[] =>
  graph.inputs.map(({ name, type }) => box(name, 'input', [name, `${type.dtype} ${showShape(type.shape)}`]));

/** Ids of output boxes start with a character that no JSON text shows, so they cannot meet another value's. */
const outputId = (name: string): string => `\u0001${name}`;

function operationView(graph: StepGraph): View {
  const shapeOf = shapesOf(graph);
  const isWeight = (id: string) => Object.hasOwn(graph.weights, id);
  const boxes = [
    ...inputBox(graph),
    ...graph.nodes.map((node) => {
      const weights = node.inputs.filter(isWeight).map((id) => `${id} ${showShape(shapeOf(id))}`);
      const title =
        node.op === 'load' || node.op === 'save' ? `${node.op} ${String(node.attrs.key)}` : node.id;
      const what = node.op === 'constant' ? String(node.attrs.value) : showShape(node.type.shape);
      const lines = [title, `${node.op} ${what}`, ...weights];
      return box(
        node.id,
        kindOf(node),
        lines,
        JSON.stringify(node.attrs),
        node.op === 'load' || node.op === 'constant',
      );
    }),
    ...graph.outputs.map(({ name, value }) =>
      box(outputId(name), 'output', [name, showShape(shapeOf(value))], value),
    ),
  ];
  const edges = [
    ...graph.nodes.flatMap(({ id, inputs }) =>
      [...new Set(inputs)].filter((from) => !isWeight(from)).map((from) => ({ from, to: id })),
    ),
    ...graph.outputs.map(({ name, value }) => ({ from: value, to: outputId(name) })),
  ];
  return { boxes, edges };
}

function layerView(graph: StepGraph): View {
  const shapeOf = shapesOf(graph);
  const layerOf = new Map(graph.nodes.map((node) => [node.id, `\u0002${node.layer}`]));
  const boxOf = (id: string) => layerOf.get(id) ?? id;
  const boxes = [
    ...inputBox(graph),
    ...summarize(graph).layers.map((cost) => layerBox(graph, cost)),
    ...graph.outputs.map(({ name, value }) =>
      box(outputId(name), 'output', [name, showShape(shapeOf(value))], value),
    ),
  ];
  const edges = new Map<string, Edge>();
  const link = (from: string, to: string) => {
    if (from !== to && !Object.hasOwn(graph.weights, from)) edges.set(`${from}\u0000${to}`, { from, to });
  };
  for (const node of graph.nodes) for (const id of node.inputs) link(boxOf(id), boxOf(node.id));
  for (const { name, value } of graph.outputs) link(boxOf(value), outputId(name));
  return { boxes, edges: [...edges.values()] };
}

function layerBox(graph: StepGraph, cost: LayerCost): Drawn {
  const nodes = graph.nodes.filter(({ layer }) => layer === cost.layer);
  const keys = new Set(nodes.filter(({ op }) => op === 'load').map(({ attrs }) => attrs.key));
  const states = graph.states
    .filter(({ key }) => keys.has(key))
    .map((slot) => `${slot.key} ${showShape(slot.shape)} ${stateItemSize(slot.dtype) * 8} bit`);
  const kinds = nodes.map(kindOf);
  const kind = (['synapse', 'neuron', 'pool'] as const).find((k) => kinds.includes(k)) ?? 'other';
  const ops = nodes
    .filter(({ op }) => op !== 'load' && op !== 'save' && op !== 'constant')
    .map(({ op }) => op);
  // What the layer shows is what others read of it.
  const outside = new Set([
    ...graph.nodes.filter(({ layer }) => layer !== cost.layer).flatMap(({ inputs }) => inputs),
    ...graph.outputs.map(({ value }) => value),
  ]);
  const shape = (nodes.findLast(({ id }) => outside.has(id)) ?? nodes[nodes.length - 1]).type.shape;
  const shown = [...new Set(ops)];
  const lines = [
    cost.layer,
    shown.length > 4 ? `${shown.slice(0, 3).join(' ')} +${shown.length - 3}` : shown.join(' '),
    showShape(shape),
    ...(cost.macs > 0 ? [`${grouped(cost.macs)} MACs, ${grouped(cost.parameters)} weights`] : []),
    ...states,
  ].filter((line) => line !== '');
  return box(
    `\u0002${cost.layer}`,
    states.length > 0 && kind === 'other' ? 'state' : kind,
    lines,
    ops.join(' '),
  );
}
