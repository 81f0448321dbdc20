import { KernelError } from '../errors.js';
import { itemBytes, type PlanFormat, sizeOf } from './graph.js';

// The numbers that native/plan/program.h gives to places, formats, operations and instructions.
export const PLACES = ['arena', 'temporary', 'sums', 'input', 'output', 'state', 'constant'] as const;
export type Place = (typeof PLACES)[number];
export const FORMATS: readonly PlanFormat[] = ['float32', 'uint8', 'float16'];
export const ELEMENT_OPS = [
  ...[
    'copy',
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
  ],
  ...['blend', 'affine', 'resetDecay', 'fromHalf', 'toHalf', 'fromByte', 'integrateFire'],
] as const;
export const INSTRUCTIONS = { end: 0, find: 1, group: 2, pool: 3, tile: 4, groupedConv: 5 } as const;
export const LIST_FORMS = ['list', 'spikes'] as const;
export const VERSION = 2;
/** Numbers that a vector may read at once: constants are padded to whole multiples. */
export const VECTOR = 16;

/** How an operand goes with the pixels and columns of a group: a number for each element, for each column, or one for all. */
export const REPEATS = ['full', 'column', 'one'] as const;

/** Memory of one value: bytes from the start of its place; for a temporary, which one. */
export interface Operand {
  readonly place: Place;
  readonly offset: number;
  readonly repeat?: (typeof REPEATS)[number];
}
export const operandWords = ({ place, offset, repeat = 'full' }: Operand): number[] => [
  PLACES.indexOf(place),
  offset,
  REPEATS.indexOf(repeat),
];

/** A window walking over an image, in the order of the native struct. */
export interface WindowShape {
  readonly input: readonly [number, number, number];
  readonly output: readonly [number, number, number];
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  /** Rows above and columns to the left of the image. */
  readonly lead: readonly [number, number];
}
export const windowWords = ({ input, output, size, stride, lead }: WindowShape): number[] => [
  ...[...input, ...output, ...size, ...stride, ...lead],
];

/** The inputs of a synapse: numbers that are not zero, or spikes in fours. */
export interface ListShape {
  readonly form: (typeof LIST_FORMS)[number];
  readonly image: readonly [number, number, number];
}
export const listWords = ({ form, image }: ListShape): number[] => [LIST_FORMS.indexOf(form), ...image];

const bits = new DataView(new ArrayBuffer(4));
export function floatBits(value: number): number {
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}

/** Numbers laid out one after another, each entry from a whole vector on. */
export class Pool {
  private readonly parts: { readonly at: number; readonly data: Float32Array }[] = [];
  private readonly known = new Map<string, number>();
  private size = 0;

  /** Offset, in floats, of the numbers under `key`; `make` is asked for them once. */
  add(key: string, make: () => Float32Array): number {
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const at = this.size;
    const data = make();
    this.parts.push({ at, data });
    this.size += alignTo(data.length, VECTOR);
    this.known.set(key, at);
    return at;
  }

  join(): Float32Array {
    const all = new Float32Array(this.size);
    for (const { at, data } of this.parts) all.set(data, at);
    return all;
  }
}

const LINE = 64;
export const alignTo = (bytes: number, to = LINE): number => Math.ceil(bytes / to) * to;

/** Lays fields one after another, each where its items can be read whole. */
export function layFields(
  fields: readonly { name: string; shape: readonly number[]; format: PlanFormat }[],
  align: (format: PlanFormat) => number,
) {
  let offset = 0;
  let widest = 1;
  const laid = fields.map((field) => {
    const bytes = sizeOf(field.shape) * itemBytes(field.format);
    const at = alignTo(offset, align(field.format));
    widest = Math.max(widest, align(field.format));
    offset = at + bytes;
    return { ...field, offset: at, bytes };
  });
  return { fields: laid, bytes: alignTo(offset, widest) };
}

/** Lifetimes of values, in instructions, both ends included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  last: number;
  offset: number;
}

/** Gives every value a place that no other value needs at the same time; returns the bytes of all. */
export function layLifetimes(values: Iterable<Lifetime>): number {
  const placed: Lifetime[] = [];
  let total = 0;
  for (const value of [...values].sort((a, b) => a.first - b.first)) {
    const rivals = placed
      .filter((other) => other.last >= value.first && other.first <= value.last)
      .sort((a, b) => a.offset - b.offset);
    let at = 0;
    for (const rival of rivals) {
      if (at + value.bytes <= rival.offset) break;
      at = Math.max(at, rival.offset + alignTo(rival.bytes));
    }
    value.offset = at;
    placed.push(value);
    total = Math.max(total, at + alignTo(value.bytes));
  }
  if (total > 0x7fffffff) throw new KernelError(`the network needs ${total} bytes for values of one step`);
  return total;
}
