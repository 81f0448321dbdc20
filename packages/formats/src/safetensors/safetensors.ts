import { bytesOf, elementsFrom } from '../array/bytes.js';
import { itemSize } from '../array/dtype.js';
import { type NdArray, sizeOf } from '../array/ndarray.js';
import { CODES, readHeader } from './header.js';

/** What a safetensors file holds. */
export interface Safetensors {
  /** In the header's order. */
  readonly tensors: Map<string, NdArray>;
  /** Free text by key (`__metadata__`). */
  readonly metadata: Record<string, string>;
}

/**
 * Reads a safetensors file. Every array has memory of its own.
 *
 * @throws FormatError for a damaged or contradictory header, unknown dtypes, duplicate names, gaps, overlaps, truncation
 * @see https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { tensors, metadata, dataStart } = readHeader(bytes);
  const arrays = tensors.map(({ name, dtype, shape, begin }): [string, NdArray] => [
    name,
    { dtype, shape, data: elementsFrom(bytes, dataStart + begin, sizeOf(shape), dtype) },
  ]);
  return { tensors: new Map(arrays), metadata };
}

/** Only the names, element types and shapes: for messages about a checkpoint that does not fit. */
export function describeSafetensors(
  bytes: Uint8Array,
): { name: string; dtype: string; shape: readonly number[] }[] {
  return readHeader(bytes).tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
}

type ByName<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>;

const entriesOf = <T>(values: ByName<T>): [string, T][] =>
  values instanceof Map ? [...(values as ReadonlyMap<string, T>)] : Object.entries(values);

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

/**
 * Writes a safetensors file: the same content gives the same bytes, whatever order it comes in, and every tensor is
 * aligned to its element size (large elements first, names in code unit order among equals).
 *
 * @throws TypeError when metadata is not text, or a tensor is called `__metadata__`
 */
export function writeSafetensors(tensors: ByName<NdArray>, metadata: ByName<string> = {}): Uint8Array {
  const ordered = entriesOf(tensors).sort(
    (a, b) => itemSize(b[1].dtype) - itemSize(a[1].dtype) || byName(a, b),
  );
  // A map cannot lose a key called __proto__, as an object literal would.
  const header: string[] = [];
  const texts = entriesOf(metadata).sort(byName);
  if (texts.length > 0) {
    const pairs = texts.map(([key, text]) => {
      if (typeof text !== 'string') throw new TypeError(`metadata ${JSON.stringify(key)} must be a string`);
      return `${JSON.stringify(key)}:${JSON.stringify(text)}`;
    });
    header.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  let end = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    if (name === '__metadata__') throw new TypeError('a tensor cannot be called __metadata__');
    const info = { dtype: CODES[dtype], shape, data_offsets: [end, (end += data.byteLength)] };
    header.push(`${JSON.stringify(name)}:${JSON.stringify(info)}`);
  }
  const text = new TextEncoder().encode(`{${header.join(',')}}`);
  const dataStart = Math.ceil((8 + text.length) / 8) * 8;
  const out = new Uint8Array(dataStart + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  out.fill(0x20, 8, dataStart);
  out.set(text, 8);
  let at = dataStart;
  for (const [, { data }] of ordered) {
    out.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return out;
}
