import { z } from 'zod';
import { type Attributes, GraphError, type ValueType } from '../graph.js';
import { broadcastShape, type Window, windowedSize } from './geometry.js';

/** Where an operand may come from: a value made or handed in at run time, a weight, or either. */
export type OperandKind = 'value' | 'weight' | 'any';

export interface Operand {
  readonly name: string;
  readonly from: OperandKind;
  readonly optional?: boolean;
}

/**
 * Everything that schema, shape inference, printer and executors need to know about an operation.
 * `infer` and `macs` get shapes that `attrs` has already checked the attributes for.
 */
export interface OpSpec {
  readonly operands: readonly Operand[];
  readonly attrs: z.ZodType<Attributes>;
  /** Shape of the result. Throws GraphError when the operands do not go together. */
  infer(shapes: readonly (readonly number[])[], attrs: Attributes): readonly number[];
  /** Multiply-accumulates for one sample, at most (zeros are skipped at run time). */
  macs?(shapes: readonly (readonly number[])[], result: readonly number[]): number;
  /** One line: what it computes. */
  readonly says: string;
}

const whole = z.int().min(0);
const positive = z.int().min(1);
const pair = z.tuple([positive, positive]).readonly();
const padding = z.tuple([whole, whole, whole, whole]).readonly();
const none = z.strictObject({});
const keyed = z.strictObject({ key: z.string().min(1) });
const windowed = z.strictObject({ size: pair, stride: pair, padding });
const convolving = z.strictObject({ stride: pair, padding, groups: positive });

const attributes = <T extends Attributes>(schema: z.ZodType<T>): z.ZodType<Attributes> => schema;
const operands = (from: OperandKind, ...names: string[]): Operand[] => names.map((name) => ({ name, from }));

const image = (shape: readonly number[]): readonly [number, number, number] => {
  if (shape.length !== 3) throw new GraphError(`needs an image [H, W, C], got [${shape.join(', ')}]`);
  return shape as unknown as readonly [number, number, number];
};
const bias = (shape: readonly number[] | undefined, channels: number) => {
  if (shape && !(shape.length === 1 && shape[0] === channels)) {
    throw new GraphError(`bias has shape [${shape.join(', ')}], but there are ${channels} outputs`);
  }
};

const elementwise = (says: string, ...names: string[]): OpSpec => ({
  operands: operands('any', ...names),
  attrs: attributes(none),
  infer: broadcastShape,
  says,
});

const pooling = (says: string): OpSpec => ({
  operands: operands('value', 'x'),
  attrs: attributes(windowed),
  infer: ([x], attrs) => {
    const [h, w, c] = image(x);
    return [...windowedSize(h, w, attrs as unknown as Window), c];
  },
  says,
});

/**
 * The operations. Sums have one fixed order (float32, every operation rounded, none fused), so that every executor
 * gives the same bits: a sum starts at its bias and takes its terms x*w four at a time, adding the four up first, left to
 * right, and then their sum. The fours of a convolution are input channels of one tap, taps by ky, kx ascending (the last
 * four of a tap may be fewer); those of a dense layer its inputs. Inputs outside the border and inputs equal to zero
 * are left out.
 */
export const OPS = {
  load: {
    operands: [],
    attrs: attributes(keyed),
    // The slot knows the shape: checkGraph hands it in.
    infer: ([slot]) => slot,
    says: 'the state `key` as it was before the step',
  },
  save: {
    operands: operands('any', 'x'),
    attrs: attributes(keyed),
    infer: ([x]) => x,
    says: 'x becomes the state `key` of the next step',
  },
  conv2d: {
    operands: [
      { name: 'x', from: 'value' },
      { name: 'kernel', from: 'weight' },
      { name: 'bias', from: 'weight', optional: true },
    ],
    attrs: attributes(convolving),
    infer: ([x, kernel, b], attrs) => {
      const [h, w, c] = image(x);
      if (kernel.length !== 4) {
        throw new GraphError(
          `kernel must be [H, W, in / groups, out], got [${kernel.join(', ')}] (OIHW kernels must be turned)`,
        );
      }
      const { stride, padding, groups } = attrs as unknown as z.infer<typeof convolving>;
      const [kh, kw, inner, out] = kernel;
      if (inner * groups !== c || out % groups !== 0) {
        throw new GraphError(
          `kernel [${kernel.join(', ')}] in ${groups} group(s) does not go with ${c} channels`,
        );
      }
      bias(b, out);
      return [...windowedSize(h, w, { size: [kh, kw], stride, padding }), out];
    },
    macs: ([, kernel], [rows, columns, out]) => rows * columns * out * kernel[0] * kernel[1] * kernel[2],
    says: 'convolution, kernel [H, W, in / groups, out]',
  },
  dense: {
    operands: [
      { name: 'x', from: 'value' },
      { name: 'kernel', from: 'weight' },
      { name: 'bias', from: 'weight', optional: true },
    ],
    attrs: attributes(none),
    infer: ([x, kernel, b]) => {
      if (x.length !== 1 || kernel.length !== 2 || kernel[0] !== x[0]) {
        throw new GraphError(
          `needs x [in] and kernel [in, out], got [${x.join(', ')}] and [${kernel.join(', ')}]; reshape images first`,
        );
      }
      bias(b, kernel[1]);
      return [kernel[1]];
    },
    macs: ([, kernel]) => kernel[0] * kernel[1],
    says: 'x·kernel + bias, kernel [in, out]',
  },
  maxPool: pooling('largest of each window; outside the border nothing counts'),
  avgPool: pooling('sum of each window, row by row, times 1/n; n cells inside the border'),
  globalAvgPool: {
    operands: operands('value', 'x'),
    attrs: attributes(none),
    infer: ([x]) => [image(x)[2]],
    says: 'sum over the image, row by row, times 1/(H·W)',
  },
  reshape: {
    operands: operands('value', 'x'),
    attrs: attributes(z.strictObject({ shape: z.array(positive).readonly() })),
    infer: ([x], attrs) => {
      const shape = attrs.shape as readonly number[];
      const size = (s: readonly number[]) => s.reduce((a, b) => a * b, 1);
      if (size(shape) !== size(x)) {
        throw new GraphError(`[${x.join(', ')}] cannot become [${shape.join(', ')}]`);
      }
      return shape;
    },
    says: 'the same elements in another shape',
  },
  add: elementwise('a + b', 'a', 'b'),
  sub: elementwise('a − b', 'a', 'b'),
  mul: elementwise('a · b', 'a', 'b'),
  div: elementwise('a / b', 'a', 'b'),
  neg: elementwise('−x', 'x'),
  abs: elementwise('|x|', 'x'),
  exp: elementwise('e^x, in double, then rounded', 'x'),
  tanh: elementwise('tanh x, in double, then rounded', 'x'),
  sigmoid: elementwise('1 / (1 + e^−x), in double, then rounded', 'x'),
  relu: elementwise('max(x, 0)', 'x'),
  atan: elementwise('arc tangent, in double, then rounded', 'x'),
  gt: elementwise('1 where a > b, else 0', 'a', 'b'),
  sign: elementwise('−1, 0 or 1', 'x'),
  blend: elementwise('s·a + (1 − s)·b; exactly a for s = 1 and b for s = 0', 's', 'a', 'b'),
  constant: {
    operands: [],
    attrs: attributes(z.strictObject({ value: z.number() })),
    infer: () => [],
    says: 'a number, rounded to float32',
  },
  affine: elementwise('x · scale + shift, the product rounded first', 'x', 'scale', 'shift'),
  fire: {
    operands: operands('any', 'x'),
    attrs: attributes(z.strictObject({ threshold: z.number() })),
    infer: broadcastShape,
    says: '1 where x > threshold (rounded to float32), else 0',
  },
  resetDecay: elementwise(
    'alpha·v0 + beta where x > theta, else alpha·x + beta; the product rounded first',
    'x',
    'theta',
    'v0',
    'alpha',
    'beta',
  ),
} satisfies Record<string, OpSpec>;

export type OpName = keyof typeof OPS;

export const OP_NAMES = Object.keys(OPS) as readonly OpName[];

export const isOpName = (name: string): name is OpName => Object.hasOwn(OPS, name);

/** The table entry of an operation, without the detail of its own type. */
export const opSpec = (op: OpName): OpSpec => OPS[op];

/**
 * The type of the value that `op` makes from operands of the given types (with `load`, of the slot's type).
 *
 * @throws GraphError for attributes or shapes that do not fit; the message starts with the operation
 */
export function inferType(op: OpName, types: readonly ValueType[], attrs: Attributes): ValueType {
  const spec = opSpec(op);
  const known = spec.attrs.safeParse(attrs);
  if (!known.success) {
    const { path, message } = known.error.issues[0];
    throw new GraphError(`${op}: attribute ${path.join('.') || Object.keys(attrs).join(', ')}: ${message}`);
  }
  try {
    const shape = spec.infer(
      types.map((type) => type.shape),
      attrs,
    );
    return { shape: [...shape], dtype: 'float32' };
  } catch (error) {
    if (error instanceof GraphError) throw new GraphError(`${op}: ${error.message}`);
    throw error;
  }
}
