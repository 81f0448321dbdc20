import { KernelError } from '../errors.js';
import { assemble } from './assemble.js';
import { ELEMENT_OPS, layFields, type ListShape, Pool } from './code.js';
import {
  itemBytes,
  type PlanFormat,
  type PlanGraph,
  type PlanNode,
  type PlanProgram,
  sizeOf,
} from './graph.js';
import { Groups } from './groups.js';
import type { ElementOp, Value } from './instructions.js';
import { slotOf, StateUse, stateKey } from './states.js';
import { denseWindow, wholeImage, windowOf } from './windows.js';

const ARITHMETIC = new Set<string>(
  ELEMENT_OPS.filter((op) => !['copy', 'fromHalf', 'toHalf', 'fromByte', 'integrateFire'].includes(op)),
);

/**
 * Turns a graph into the program of a native plan: element-wise chains that follow a convolution or dense layer run on
 * its output block by block, states are read and written in place where nobody needs the old ones any more, values
 * that don't live at the same time share memory. The numbers are those of the reference executor, bit for bit.
 *
 * @param graph a sound graph: `checkGraph` of `@bidl/graph` says whether it is one
 * @throws KernelError for an operation that plans don't have
 */
export function lowerGraph(graph: PlanGraph): PlanProgram {
  return new Lowering(graph).run();
}

class Lowering {
  private readonly groups: Groups;
  private readonly use: StateUse;
  private readonly lists: ListShape[] = [];
  private readonly listNames = new Map<string, number>();
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly weights = new Pool();
  private readonly inputs;
  private readonly outputs;
  private readonly states;

  constructor(private readonly graph: PlanGraph) {
    this.groups = new Groups(graph.name);
    this.use = new StateUse(graph);
    this.shapes = new Map([
      ...graph.inputs.map(({ name, type }) => [name, type.shape] as const),
      ...Object.entries(graph.weights).map(([name, { shape }]) => [name, shape] as const),
      ...graph.nodes.map(({ id, type }) => [id, type.shape] as const),
    ]);
    const wide = (format: PlanFormat) => itemBytes(format);
    this.inputs = layFields(
      graph.inputs.map(({ name, type }) => ({ name, shape: type.shape, format: type.dtype })),
      wide,
    );
    this.outputs = layFields(
      graph.outputs.map(({ name, value }) => ({ name, shape: this.shapeOf(value), format: 'float32' })),
      wide,
    );
    this.states = layFields(
      graph.states.map(({ key, shape, dtype }) => ({ name: key, shape, format: dtype })),
      () => 64,
    );
  }

  run(): PlanProgram {
    const { graph, groups } = this;
    for (const { name, shape, format, offset } of this.inputs.fields) {
      groups.define(name, sizeOf(shape), { format, home: { place: 'input', offset } });
    }
    for (const [name, { data }] of Object.entries(graph.weights)) {
      groups.define(name, data.length, { constant: data });
    }
    for (const node of graph.nodes) this.node(node);
    graph.outputs.forEach(({ value }, k) => {
      const src = groups.numbers(groups.get(value));
      const home = { place: 'output', offset: this.outputs.fields[k].offset } as const;
      groups.element('copy', src.n, src.n, [src], { name: `output ${k}`, home });
    });
    const { inputs, outputs, states, weights, lists } = this;
    return assemble({ graph, instructions: groups.instructions, lists, inputs, outputs, states, weights });
  }

  private shapeOf(id: string): readonly number[] {
    return this.shapes.get(id) ?? [];
  }

  private node(node: PlanNode): void {
    const { groups } = this;
    switch (node.op) {
      case 'load':
        return this.load(node);
      case 'save':
        return this.save(node);
      case 'constant': {
        groups.define(node.id, 1, { constant: Float32Array.of(Number(node.attrs['value'])) });
        return;
      }
      case 'reshape':
        return groups.alias(node.id, groups.get(node.inputs[0]));
      case 'conv2d':
      case 'dense':
        return this.synapse(node);
      case 'maxPool':
      case 'avgPool':
      case 'globalAvgPool':
        return this.pool(node);
      default:
        return this.arithmetic(node);
    }
  }

  private arithmetic({ id, op, inputs, attrs, type }: PlanNode): void {
    const { groups } = this;
    const src = inputs.map((input) => groups.numbers(groups.get(input)));
    const n = sizeOf(type.shape);
    const channels = type.shape.at(-1) ?? 1;
    if (op === 'fire') {
      const threshold = Math.fround(Number(attrs['threshold']));
      const theta = groups.define(`threshold ${threshold}`, 1, { constant: Float32Array.of(threshold) });
      groups.element('gt', n, channels, [src[0], theta], { name: id, binary: true });
    } else if (ARITHMETIC.has(op)) {
      groups.element(op as ElementOp, n, channels, src, { name: id, binary: op === 'gt' });
    } else {
      throw new KernelError(`node "${id}": plans have no operation "${op}"`);
    }
  }

  private load(node: PlanNode): void {
    const { groups } = this;
    const n = sizeOf(node.type.shape);
    const { format, offset } = slotOf(node, this.states.fields);
    const value = groups.define(node.id, n, { format, home: { place: 'state', offset } });
    const key = stateKey(node);
    if (!this.use.outlives(key)) return;
    const kept =
      format === 'float32'
        ? groups.element('copy', n, n, [value], { name: `${key} before` })
        : groups.numbers(value);
    groups.alias(node.id, kept);
  }

  private save(node: PlanNode): void {
    const { groups } = this;
    const { format, offset } = slotOf(node, this.states.fields);
    const src = groups.numbers(groups.get(node.inputs[0]));
    const home = { place: 'state', offset } as const;
    const readsOld = ({ src: read }: { src: readonly Value[] }) =>
      read.some((v) => v.home?.place === 'state' && v.home.offset === offset);
    const behind = groups.elementsBehind(src);
    if (format === 'float32' && behind && !src.home && !behind.some(readsOld)) {
      src.home = home;
      return;
    }
    groups.element(format === 'float16' ? 'toHalf' : 'copy', src.n, src.n, [src], {
      name: `save ${stateKey(node)}`,
      home,
    });
  }

  private synapse(node: PlanNode): void {
    const { groups } = this;
    const [x, kernel, bias] = node.inputs.map((id) => groups.get(id));
    const shape = this.graph.weights[node.inputs[1]]?.shape;
    if (!shape || !kernel.constant) throw new KernelError(`node "${node.id}": its kernel must be a weight`);
    const keep = (value: Value) =>
      this.weights.add(value.name, () => value.constant ?? new Float32Array(value.n));
    const weights = keep(kernel);
    const biasAt = bias && keep(bias);
    const dense = node.op === 'dense';
    const split = dense ? 1 : Number(node.attrs['groups']);
    if (split > 1) {
      const window = windowOf(node, this.imageOf(node.inputs[0], x.n), [shape[0], shape[1]]);
      const src = groups.numbers(x);
      const dst = groups.define(node.id, sizeOf(window.output));
      groups.push({ kind: 'groupedConv', groups: split, window, weights, bias: biasAt, src, dst });
      return;
    }
    const window = dense
      ? denseWindow(shape)
      : windowOf(node, this.imageOf(node.inputs[0], x.n), [shape[0], shape[1]]);
    const list = this.find(x, window.input);
    groups.synapse(node.id, sizeOf(window.output), window.output[2], { list, window, weights, bias: biasAt });
  }

  /** Shape of an image that a node reads: of the value under that very name, for reshapes share memory. */
  private imageOf(id: string, n: number): readonly [number, number, number] {
    const shape = this.shapeOf(id);
    if (shape.length !== 3 || sizeOf(shape) !== n) throw new KernelError(`"${id}" is no image`);
    return shape as unknown as readonly [number, number, number];
  }

  /** The list of the inputs `x` of a synapse; made once for all who read it in that shape. */
  private find(x: Value, image: ListShape['image']): number {
    const name = `${x.name} as [${image.join(', ')}]`;
    const known = this.listNames.get(name);
    if (known !== undefined) return known;
    const list = this.lists.push({ form: x.binary ? 'spikes' : 'list', image }) - 1;
    this.listNames.set(name, list);
    const src = x.constant ? this.groups.element('copy', x.n, x.n, [x], { name: `${x.name} as a value` }) : x;
    this.groups.push({ kind: 'find', list, src });
    return list;
  }

  private pool(node: PlanNode): void {
    const { groups } = this;
    const x = groups.numbers(groups.get(node.inputs[0]));
    const image = this.imageOf(node.inputs[0], x.n);
    const window =
      node.op === 'globalAvgPool'
        ? wholeImage(image)
        : windowOf(node, image, node.attrs['size'] as [number, number]);
    const average = node.op !== 'maxPool';
    const dst = groups.define(node.id, sizeOf(window.output), { binary: x.binary && !average });
    groups.push({ kind: 'pool', average, window, src: x, dst });
  }
}
