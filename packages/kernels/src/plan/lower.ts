import { KernelError } from '../errors.js';
import { ELEMENT_OPS, layFields, type Operand, Pool, type WindowShape } from './code.js';
import { assemble } from './assemble.js';
import {
  itemBytes,
  type PlanFormat,
  type PlanGraph,
  type PlanNode,
  type PlanProgram,
  sizeOf,
} from './graph.js';

import type { Element, ElementOp, Group, Instruction, Value } from './instructions.js';

const ARITHMETIC = new Set<string>(
  ELEMENT_OPS.filter(
    (op) => !['copy', 'fromHalf', 'toHalf', 'fromByte', 'integrateFire', 'neuron'].includes(op),
  ),
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
  private readonly values = new Map<string, Value>();
  readonly instructions: Instruction[] = [];
  private readonly lists = new Map<Value, number>();
  readonly listShapes: number[][] = [];
  readonly weights = new Pool();
  readonly constants = new Pool();
  readonly inputs;
  readonly outputs;
  readonly states;
  private open: Group | undefined;
  /** Index of the node that saves a state, and of the last one that reads it as it was before. */
  private readonly savedAt = new Map<string, number>();
  private readonly lastRead = new Map<string, number>();

  constructor(readonly graph: PlanGraph) {
    const wide = (format: PlanFormat) => itemBytes(format);
    this.inputs = layFields(
      graph.inputs.map(({ name, type }) => ({ name, shape: type.shape, format: type.dtype })),
      wide,
    );
    const shapes = new Map<string, readonly number[]>([
      ...graph.inputs.map(({ name, type }) => [name, type.shape] as const),
      ...Object.entries(graph.weights).map(([name, { shape }]) => [name, shape] as const),
      ...graph.nodes.map(({ id, type }) => [id, type.shape] as const),
    ]);
    this.outputs = layFields(
      graph.outputs.map(({ name, value }) => ({ name, shape: shapes.get(value) ?? [], format: 'float32' })),
      wide,
    );
    this.states = layFields(
      graph.states.map(({ key, shape, dtype }) => ({ name: key, shape, format: dtype })),
      () => 64,
    );
  }

  run(): PlanProgram {
    const { graph } = this;
    this.readAhead();
    this.inputs.fields.forEach(({ name, shape, format, offset }) => {
      this.define(name, sizeOf(shape), {
        format,
        home: { place: 'input', offset, step: itemBytes(format) },
      });
    });
    for (const [name, { data }] of Object.entries(graph.weights)) {
      this.define(name, data.length, { constant: data });
    }
    graph.nodes.forEach((node, i) => this.node(node, i));
    graph.outputs.forEach(({ value }, k) => {
      const src = this.numbers(this.valueOf(value));
      const home = { place: 'output', offset: this.outputs.fields[k].offset, step: 4 } as const;
      this.element('copy', src.n, src.n, [src], { name: `output ${k}`, home });
    });
    this.close();
    return assemble(this);
  }

  /** Notes, for every state, when it is saved and when its old value is last needed (outputs: after everything). */
  private readAhead(): void {
    const source = new Map<string, string>(); // value -> state whose old value it shows
    this.graph.nodes.forEach((node, i) => {
      for (const input of node.inputs) {
        const key = source.get(input);
        if (key !== undefined && node.op !== 'reshape') this.lastRead.set(key, i);
      }
      if (node.op === 'load') source.set(node.id, String(node.attrs['key']));
      if (node.op === 'reshape' && source.has(node.inputs[0])) {
        source.set(node.id, source.get(node.inputs[0]) ?? '');
      }
      if (node.op === 'save') this.savedAt.set(String(node.attrs['key']), i);
    });
    for (const { value } of this.graph.outputs) {
      const key = source.get(value);
      if (key !== undefined) this.lastRead.set(key, Infinity);
    }
  }

  private define(name: string, n: number, rest: Partial<Value> = {}): Value {
    const value: Value = { format: 'float32', escapes: false, ...rest, name, n };
    this.values.set(name, value);
    return value;
  }

  private valueOf(id: string): Value {
    const value = this.values.get(id);
    if (!value) throw new KernelError(`graph "${this.graph.name}": there is no value "${id}"`);
    return value;
  }

  private close(): void {
    this.open = undefined;
  }

  private push(instruction: Instruction): void {
    this.close();
    this.instructions.push(instruction);
  }

  /** Notes that `value` is read by something else than the group that is open. */
  private readWhole(value: Value): Value {
    value.escapes = true;
    return value;
  }

  /** The float32 numbers of a value, converted on first use. */
  private numbers(value: Value): Value {
    if (value.format === 'float32') return value;
    const name = `${value.name} in float32`;
    const known = this.values.get(name);
    if (known) return known;
    return this.element(value.format === 'uint8' ? 'fromByte' : 'fromHalf', value.n, value.n, [value], {
      name,
    });
  }

  /** Adds an element-wise operation to the open group, or opens one. `channels`: length of the last axis. */
  private element(
    op: ElementOp,
    n: number,
    channels: number,
    src: Value[],
    { name, home }: { name: string; home?: Operand },
  ): Value {
    const operands = src.map((value) => (value.n === n || value.constant ? value : this.tile(value, n)));
    if (this.open?.n !== n) {
      const group: Group = { kind: 'group', n, channels, elements: [] };
      this.push(group);
      this.open = group;
    }
    const group = this.open;
    for (const value of operands) if (value.group !== group) value.escapes = true;
    const dst = this.define(name, n, { group, ...(home && { home }) });
    group.elements.push({ op, dst: [dst], src: operands });
    return dst;
  }

  /** A value computed at run time, repeated to `n` elements. */
  private tile(value: Value, n: number): Value {
    const name = `${value.name} x ${n}`;
    const known = this.values.get(name);
    if (known) return known;
    const dst = this.define(name, n, { escapes: true });
    this.push({ kind: 'tile', src: this.readWhole(value), dst });
    return dst;
  }

  private node(node: PlanNode, index: number): void {
    const n = sizeOf(node.type.shape);
    switch (node.op) {
      case 'load':
        return this.load(node, n);
      case 'save':
        return this.save(node, index);
      case 'constant': {
        this.define(node.id, 1, { constant: Float32Array.of(Number(node.attrs['value'])) });
        return;
      }
      case 'reshape': {
        this.values.set(node.id, this.valueOf(node.inputs[0]));
        return;
      }
      case 'conv2d':
      case 'dense':
        return this.synapse(node);
      case 'maxPool':
      case 'avgPool':
      case 'globalAvgPool':
        return this.pool(node);
      default:
        return this.arithmetic(node, n);
    }
  }

  private arithmetic(node: PlanNode, n: number): void {
    const src = node.inputs.map((id) => this.numbers(this.valueOf(id)));
    const channels = node.type.shape.at(-1) ?? 1;
    if (node.op === 'fire') {
      const threshold = Math.fround(Number(node.attrs['threshold']));
      const theta = this.define(`threshold ${threshold}`, 1, { constant: Float32Array.of(threshold) });
      this.element('gt', n, channels, [src[0], theta], { name: node.id });
    } else if (ARITHMETIC.has(node.op)) {
      this.element(node.op as ElementOp, n, channels, src, { name: node.id });
    } else {
      throw new KernelError(`node "${node.id}": plans have no operation "${node.op}"`);
    }
  }

  private load(node: PlanNode, n: number): void {
    const key = String(node.attrs['key']);
    const slot = this.states.fields.find((field) => field.name === key);
    if (!slot) throw new KernelError(`node "${node.id}": there is no state "${key}"`);
    const { format, offset } = slot;
    const value = this.define(node.id, n, {
      format,
      home: { place: 'state', offset, step: itemBytes(format) },
    });
    if ((this.lastRead.get(key) ?? -1) <= (this.savedAt.get(key) ?? Infinity)) return;
    // The old state is still needed when the new one has been written.
    const kept =
      format === 'float32'
        ? this.element('copy', n, n, [value], { name: `${key} before` })
        : this.numbers(value);
    this.values.set(node.id, kept);
  }

  private save(node: PlanNode, index: number): void {
    const key = String(node.attrs['key']);
    const slot = this.states.fields.find((field) => field.name === key);
    if (!slot) throw new KernelError(`node "${node.id}": there is no state "${key}"`);
    const { format, offset } = slot;
    const src = this.numbers(this.valueOf(node.inputs[0]));
    const home = { place: 'state', offset, step: itemBytes(format) } as const;
    const maker = this.open?.elements.find(({ dst }) => dst.includes(src));
    const inPlace =
      format === 'float32' && maker !== undefined && !src.home && !this.readLater(maker, key) && index > 0;
    if (inPlace) {
      src.home = home;
      return;
    }
    this.element(format === 'float16' ? 'toHalf' : 'copy', src.n, src.n, [src], {
      name: `save ${key}`,
      home,
    });
  }

  /** Whether an operation of the open group behind `maker` reads the old state. */
  private readLater(maker: Element, key: string): boolean {
    const elements = this.open?.elements ?? [];
    const slot = this.states.fields.find((field) => field.name === key);
    return elements
      .slice(elements.indexOf(maker) + 1)
      .some(({ src }) => src.some((v) => v.home?.place === 'state' && v.home.offset === slot?.offset));
  }

  private synapse(node: PlanNode): void {
    const [x, kernel, bias] = node.inputs.map((id) => this.valueOf(id));
    const shape = this.graph.weights[node.inputs[1]]?.shape;
    if (!shape || !kernel.constant) throw new KernelError(`node "${node.id}": its kernel must be a weight`);
    const weights = this.weights.add(kernel.name, () => kernel.constant ?? new Float32Array());
    const biasAt = bias && this.weights.add(bias.name, () => bias.constant ?? new Float32Array());
    const groups = node.op === 'conv2d' ? Number(node.attrs['groups']) : 1;
    const [window, outputs] = this.windowOf(node, shape, x.n);
    if (groups > 1) {
      const src = this.readWhole(this.numbers(x));
      const dst = this.define(node.id, outputs, { escapes: true });
      this.push({ kind: 'groupedConv', groups, window, weights, bias: biasAt, src, dst });
      return;
    }
    const list = this.find(x, window.input);
    const group: Group = {
      kind: 'group',
      n: outputs,
      channels: window.output[2],
      elements: [],
      synapse: { list, window, weights, bias: biasAt, dst: this.define(node.id, outputs) },
    };
    if (group.synapse) group.synapse.dst.group = group;
    this.push(group);
    this.open = group;
  }

  private windowOf(node: PlanNode, kernel: readonly number[], inputs: number): [WindowShape, number] {
    if (node.op === 'dense') {
      const [rows, columns] = kernel;
      const window: WindowShape = {
        input: [1, 1, rows],
        output: [1, 1, columns],
        size: [1, 1],
        stride: [1, 1],
        lead: [0, 0],
      };
      return [window, columns];
    }
    const shape = node.type.shape as readonly [number, number, number];
    const padding = node.attrs['padding'] as readonly number[];
    const [height, width, channels] = this.imageOf(node.inputs[0], inputs);
    const window: WindowShape = {
      input: [height, width, channels],
      output: shape,
      size: [kernel[0], kernel[1]],
      stride: node.attrs['stride'] as [number, number],
      lead: [padding[0], padding[2]],
    };
    return [window, sizeOf(shape)];
  }

  /** Shape of an image that a node reads: of the value under that very name, for reshapes share memory. */
  private imageOf(id: string, n: number): readonly number[] {
    const shape =
      this.graph.nodes.find((node) => node.id === id)?.type.shape ??
      this.graph.inputs.find((input) => input.name === id)?.type.shape;
    if (shape?.length !== 3 || sizeOf(shape) !== n) throw new KernelError(`"${id}" is no image`);
    return shape;
  }

  /** The list of the non-zero inputs of `x` as pixels of an image; made once for all who read it in that shape. */
  private find(x: Value, [height, width, channels]: readonly number[]): number {
    const known = this.lists.get(x);
    const shape = [height * width, channels, width * channels];
    if (known !== undefined && this.listShapes[known].join() === shape.join()) return known;
    const list = this.listShapes.push(shape) - 1;
    this.lists.set(x, list);
    const src = x.constant ? this.numbersOfConstant(x) : x;
    this.push({ kind: 'find', list, src: this.readWhole(src) });
    return list;
  }

  private numbersOfConstant(value: Value): Value {
    return this.element('copy', value.n, value.n, [value], { name: `${value.name} as a value` });
  }

  private pool(node: PlanNode): void {
    const x = this.numbers(this.valueOf(node.inputs[0]));
    const [height, width, channels] = this.imageOf(node.inputs[0], x.n);
    const whole = node.op === 'globalAvgPool';
    const size = whole ? ([height, width] as const) : (node.attrs['size'] as [number, number]);
    const padding = whole ? [0, 0, 0, 0] : (node.attrs['padding'] as readonly number[]);
    const output = whole ? ([1, 1, channels] as const) : (node.type.shape as [number, number, number]);
    const window: WindowShape = {
      input: [height, width, channels],
      output,
      size,
      stride: whole ? [1, 1] : (node.attrs['stride'] as [number, number]),
      lead: [padding[0], padding[2]],
    };
    const src = this.readWhole(x);
    const dst = this.define(node.id, sizeOf(output), { escapes: true });
    this.push({ kind: 'pool', average: node.op !== 'maxPool', window, src, dst });
  }
}
