import { isExactHalf, toHalfBits, type ElementType, type Node, type StepGraph } from '@bidl/graph';
import type { NdArray } from '@bidl/formats';
import { channelsFirst, oihw, onnxShape, rowsChannelsFirst } from './layout.js';
import type { NodeProto, TensorProto } from './onnx_pb.js';
import { DataType, ints, onnxNode, onnxTensor, type AttributeValue } from './protos.js';

/** Name of a state as an input of a step, and as its output. */
export const stateInput = (key: string): string => `state/${key}`;
export const stateOutput = (key: string): string => `next/${key}`;

/** ONNX's element types. */
export const ELEMENT: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  uint8: DataType.UINT8,
};

/** One time step as ONNX operations, images channels first. */
export interface EmittedStep {
  readonly nodes: readonly NodeProto[];
  readonly weights: readonly TensorProto[];
}

const ELEMENTWISE: Readonly<Partial<Record<Node['op'], string>>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  neg: 'Neg',
  abs: 'Abs',
  exp: 'Exp',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  relu: 'Relu',
  atan: 'Atan',
  sign: 'Sign',
};

/**
 * Writes a step down in ONNX operations. Values keep their names; inputs come in under the names that `input` gives
 * them, states under {@link stateInput}, and states leave under {@link stateOutput}.
 */
export function emitStep(graph: StepGraph, input: (name: string) => string = (name) => name): EmittedStep {
  return new Emitter(graph, input).run();
}

class Emitter {
  private readonly nodes: NodeProto[] = [];
  private readonly weights = new Map<string, TensorProto>();
  private readonly shapes: Map<string, readonly number[]>;
  /** Graph inputs and states that aren't float32 are cast first; what is read then has another name. */
  private readonly names = new Map<string, string>();

  constructor(
    private readonly graph: StepGraph,
    private readonly input: (name: string) => string,
  ) {
    this.shapes = new Map([
      ...graph.inputs.map(({ name, type }) => [name, type.shape] as const),
      ...graph.nodes.map(({ id, type }) => [id, type.shape] as const),
    ]);
  }

  run(): EmittedStep {
    for (const { name, type } of this.graph.inputs) {
      const given = this.input(name);
      const float = type.dtype === 'float32';
      this.names.set(name, float ? given : this.cast(given, `${given}/float`, DataType.FLOAT));
    }
    for (const node of this.graph.nodes) this.emit(node);
    return { nodes: this.nodes, weights: [...this.weights.values()] };
  }

  private emit(node: Node): void {
    const { op, id, inputs, attrs } = node;
    const plain = ELEMENTWISE[op];
    if (plain !== undefined) {
      this.add(plain, this.operands(node), id);
      return;
    }
    switch (op) {
      case 'load': {
        const key = String(attrs['key']);
        const half = this.graph.states.find((slot) => slot.key === key)?.dtype === 'float16';
        if (half) this.cast(stateInput(key), id, DataType.FLOAT);
        else this.names.set(id, stateInput(key));
        return;
      }
      case 'save': {
        const key = String(attrs['key']);
        const half = this.graph.states.find((slot) => slot.key === key)?.dtype === 'float16';
        if (half) this.cast(this.name(inputs[0]), stateOutput(key), DataType.FLOAT16);
        else this.add('Identity', [this.name(inputs[0])], stateOutput(key));
        return;
      }
      case 'constant':
        this.weight(id, Float32Array.of(Number(attrs['value'])), []);
        return;
      case 'conv2d':
        this.conv(node);
        return;
      case 'dense':
        this.dense(node);
        return;
      case 'maxPool':
      case 'avgPool':
        this.add(op === 'maxPool' ? 'MaxPool' : 'AveragePool', [this.name(inputs[0])], id, {
          kernel_shape: ints(attrs['size'] as number[]),
          strides: ints(attrs['stride'] as number[]),
          pads: pads(attrs['padding'] as number[]),
        });
        return;
      case 'globalAvgPool':
        this.add('GlobalAveragePool', [this.name(inputs[0])], `${id}/image`);
        this.add('Flatten', [`${id}/image`], id, { axis: 1n });
        return;
      case 'reshape':
        this.reshape(node);
        return;
      case 'gt':
        this.asNumber('Greater', this.operands(node), id);
        return;
      case 'fire':
        this.asNumber('Greater', [this.name(inputs[0]), this.threshold(node)], id);
        return;
      case 'blend':
        this.blend(node);
        return;
      case 'affine': {
        const [x, scale, shift] = this.operands(node);
        this.add('Mul', [x, scale], `${id}/scaled`);
        this.add('Add', [`${id}/scaled`, shift], id);
        return;
      }
      case 'resetDecay': {
        const [x, theta, v0, alpha, beta] = this.operands(node);
        this.add('Greater', [x, theta], `${id}/fires`);
        this.add('Where', [`${id}/fires`, v0, x], `${id}/reset`);
        this.add('Mul', [alpha, `${id}/reset`], `${id}/decayed`);
        this.add('Add', [`${id}/decayed`, beta], id);
        return;
      }
      default:
        throw new Error(`operation "${op}" has no ONNX form`);
    }
  }

  private conv({ id, layer, inputs, attrs, type }: Node): void {
    const [x, kernelId, biasId] = inputs;
    const kernel = this.weightOf(kernelId);
    const [kh = 1, kw = 1] = kernel.shape;
    const turned = oihw(kernel);
    const bias = biasId === undefined ? [] : [this.asIs(biasId)];
    this.add(
      'Conv',
      [this.name(x), this.weight(`${kernelId}/oihw`, turned.data, turned.shape), ...bias],
      id,
      {
        kernel_shape: ints([kh, kw]),
        strides: ints(attrs['stride'] as number[]),
        pads: pads(attrs['padding'] as number[]),
        dilations: ints([1, 1]),
        group: BigInt(Number(attrs['groups'])),
      },
    );
    if (type.shape.length !== 3) throw new Error(`layer "${layer}": a convolution gives an image`);
  }

  private dense({ id, inputs }: Node): void {
    const [x, kernelId, biasId] = inputs;
    const kernel = this.weightOf(kernelId);
    const image = this.flattened(x);
    const rows = image ? rowsChannelsFirst(kernel, image) : kernel;
    const name = this.weight(image ? `${kernelId}/chw` : kernelId, rows.data, rows.shape);
    this.add('Gemm', [this.name(x), name, ...(biasId === undefined ? [] : [this.asIs(biasId)])], id);
  }

  /** The image behind a reshape that only dense layers read: those take its numbers channels first. */
  private flattened(id: string): readonly number[] | undefined {
    const node = this.graph.nodes.find((other) => other.id === id);
    if (node?.op !== 'reshape' || node.type.shape.length !== 1) return undefined;
    const image = this.shapes.get(node.inputs[0]) ?? [];
    const readers = this.graph.nodes.filter(({ inputs }) => inputs.includes(id));
    const handedOut = this.graph.outputs.some(({ value }) => value === id);
    return image.length === 3 && !handedOut && readers.every(({ op }) => op === 'dense') ? image : undefined;
  }

  private reshape({ id, inputs, type }: Node): void {
    const [x] = inputs;
    const from = this.shapes.get(x) ?? [];
    let flat = this.name(x);
    if (from.length === 3 && !this.flattened(id)) {
      flat = this.add('Transpose', [flat], `${id}/nhwc`, { perm: ints([0, 2, 3, 1]) });
    }
    const image = type.shape.length === 3;
    const dims = this.shape(`${id}/shape`, [-1, ...type.shape]);
    const shaped = this.add('Reshape', [flat, dims], image ? `${id}/image` : id);
    if (image) this.add('Transpose', [shaped], id, { perm: ints([0, 3, 1, 2]) });
  }

  private blend(node: Node): void {
    const { id, inputs } = node;
    const [s, a, b] = this.operands(node);
    const spike = this.graph.nodes.find((other) => other.id === inputs[0]);
    if (spike?.op === 'gt' || spike?.op === 'fire') {
      // A spike is 0 or 1: the sum would be one of the two exactly.
      this.add('Where', [`${inputs[0]}/fires`, a, b], id);
      return;
    }
    const one = this.weight('one', Float32Array.of(1), []);
    const zero = this.weight('zero', new Float32Array(1), []);
    this.add('Sub', [one, s], `${id}/rest`);
    this.add('Mul', [s, a], `${id}/a`);
    this.add('Mul', [`${id}/rest`, b], `${id}/b`);
    this.add('Add', [`${id}/a`, `${id}/b`], `${id}/sum`);
    this.add('Equal', [s, one], `${id}/whole`);
    this.add('Equal', [s, zero], `${id}/none`);
    this.add('Where', [`${id}/none`, b, `${id}/sum`], `${id}/or`);
    this.add('Where', [`${id}/whole`, a, `${id}/or`], id);
  }

  private asNumber(op: string, operands: readonly string[], id: string): void {
    this.add(op, operands, `${id}/fires`);
    this.cast(`${id}/fires`, id, DataType.FLOAT);
  }

  private threshold({ id, attrs }: Node): string {
    return this.weight(`${id}/threshold`, Float32Array.of(Number(attrs['threshold'])), []);
  }

  /** Operands of an elementwise operation: weights of one value a channel stand where the result has its channels. */
  private operands({ inputs, type }: Node): string[] {
    return inputs.map((id) => {
      const array = this.graph.weights[id];
      if (!array) return this.name(id);
      if (array.shape.length === 3) {
        const turned = channelsFirst(array);
        return this.weight(`${id}/chw`, turned.data, turned.shape);
      }
      if (array.shape.length === 1 && type.shape.length === 3) {
        return this.weight(`${id}/c11`, array.data, [...array.shape, 1, 1]);
      }
      return this.asIs(id);
    });
  }

  private name(id: string): string {
    return this.names.get(id) ?? id;
  }

  private weightOf(id: string): NdArray<Float32Array> {
    const array = this.graph.weights[id];
    if (!array) throw new Error(`the graph has no weight "${id}"`);
    return array;
  }

  private asIs(id: string): string {
    const { data, shape } = this.weightOf(id);
    return this.weight(id, data, shape);
  }

  /** A weight under a name, once. What is exact in half precision is stored so, where the graph's states are. */
  private weight(name: string, data: Float32Array, shape: readonly number[]): string {
    const half = this.graph.states.some(({ dtype }) => dtype === 'float16') && data.length > 1;
    if (half && isExactHalf(data)) {
      const stored = `${name}/half`;
      if (!this.weights.has(stored)) {
        this.weights.set(stored, onnxTensor(stored, shape, toHalfBits(data)));
        this.cast(stored, name, DataType.FLOAT);
      }
    } else if (!this.weights.has(name)) this.weights.set(name, onnxTensor(name, shape, data));
    return name;
  }

  private shape(name: string, sizes: readonly number[]): string {
    this.weights.set(name, onnxTensor(name, [sizes.length], BigInt64Array.from(ints(sizes))));
    return name;
  }

  private cast(from: string, to: string, type: DataType): string {
    return this.add('Cast', [from], to, { to: BigInt(type) });
  }

  private add(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    this.nodes.push(onnxNode(op, inputs, [output], attributes));
    return output;
  }
}

/** `[top, bottom, left, right]` in ONNX's order: begins, then ends. */
const pads = ([top = 0, bottom = 0, left = 0, right = 0]: readonly number[]): bigint[] =>
  ints([top, left, bottom, right]);

/** Shape of a value with the batch in front; images channels first. */
export const batched = (shape: readonly number[]): (number | string)[] => ['N', ...onnxShape(shape)];
