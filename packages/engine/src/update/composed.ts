import * as tf from '@tensorflow/tfjs';
import { elementwise, type Arrays, type Formula, type Operation } from './elementwise.js';

type Operand = tf.Tensor | number;

const OPERATIONS: Readonly<
  Record<Operation, (a: tf.Tensor, b: Operand, c: Operand, d: Operand) => tf.Tensor>
> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  max: tf.maximum,
  min: tf.minimum,
  sqrt: tf.sqrt,
  abs: tf.abs,
  sign: tf.sign,
  select: (condition, a, b) => tf.where(tf.greater(condition, 0), a, b),
  combine: (a, b, s, t) => tf.add(tf.mul(a, s), tf.mul(b, t)),
};

const algebra = elementwise<tf.Tensor>((operation, a, b = 0, c = 0, d = 0) =>
  OPERATIONS[operation](a, b, c, d),
);

/** Tensors below this many elements go through together: an operation costs as much as some 10,000 elements. */
const PACK_BELOW = 65_536;

/** A formula in tensor operations, on any backend: large tensors one by one, small ones as one vector. */
export function updateComposed(
  formula: Formula,
  lists: Arrays<readonly tf.Tensor[]>,
): Record<string, tf.Tensor[]> {
  const [like = []] = Object.values(lists);
  const isSmall = like.map(({ size }) => size < PACK_BELOW);
  const small = like.flatMap((_, k) => (isSmall[k] ? [k] : []));
  const groups = [...like.flatMap((_, k) => (isSmall[k] ? [] : [[k]])), ...(small.length > 0 ? [small] : [])];

  const results: Record<string, tf.Tensor[]> = {};
  for (const group of groups) {
    const shapes = group.map((k) => like[k].shape);
    const arrays = Object.entries(lists).map(([name, list]) => [name, pack(group.map((k) => list[k]))]);
    const made = formula(algebra, Object.fromEntries(arrays) as Arrays<tf.Tensor>);
    for (const [name, value] of Object.entries(made)) {
      const whole = (results[name] ??= []);
      unpack(value, shapes).forEach((part, i) => (whole[group[i]] = part));
    }
  }
  return results;
}

function pack(tensors: readonly tf.Tensor[]): tf.Tensor {
  if (tensors.length === 1) return tensors[0];
  return tf.concat1d(tensors.map((t) => tf.reshape(t, [t.size]) as tf.Tensor1D));
}

/** Copies of the parts: a formula may hand back an array as it was, and that belongs to the caller. */
function unpack(packed: tf.Tensor, shapes: readonly number[][]): tf.Tensor[] {
  if (shapes.length === 1) return [tf.clone(packed)];
  const parts = tf.split(
    packed,
    shapes.map((shape) => tf.util.sizeFromShape(shape)),
  );
  return parts.map((part, i) => tf.reshape(part, shapes[i]));
}
