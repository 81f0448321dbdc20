import type { DType } from '../array/dtype.js';
import { itemSize } from '../array/dtype.js';
import { sizeOf } from '../array/ndarray.js';
import { FormatError } from '../errors.js';
import { duplicateKey } from './duplicate-key.js';

/** Where one tensor lies; offsets count from the end of the header. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The format's names for element types. */
export const CODES: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int8: 'I8',
  uint8: 'U8',
  int16: 'I16',
  uint16: 'U16',
  int32: 'I32',
  uint32: 'U32',
  int64: 'I64',
  uint64: 'U64',
  bool: 'BOOL',
};

const DTYPES = new Map(Object.entries(CODES).map(([dtype, code]) => [code, dtype as DType]));

/** The reference implementation's limit; a header of this size would describe a million tensors. */
const MAX_HEADER = 100_000_000;

const fail = (what: string, byte = 8): never => {
  throw new FormatError(`safetensors: ${what}`, { byte });
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const quote = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);

/** Reads and checks the header: every tensor described once and exactly, the data covered without gap or overlap. */
export function readHeader(bytes: Uint8Array): {
  tensors: TensorInfo[];
  metadata: Record<string, string>;
  dataStart: number;
} {
  if (bytes.length < 8)
    return fail(`truncated: ${bytes.length} bytes are too few for a header`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > MAX_HEADER) return fail(`a header of ${length} bytes is beyond the limit of ${MAX_HEADER}`, 0);
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length) {
    return fail(`truncated: the header should end at byte ${dataStart}, the file ends at ${bytes.length}`, 0);
  }
  const header = parseObject(bytes.subarray(8, dataStart));
  const metadata = readMetadata(header.__metadata__);
  const tensors = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, info]) => readInfo(name, info));
  checkCover(tensors, bytes.length - dataStart);
  return { tensors, metadata, dataStart };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) fail('the header does not start with {');
  let parsed: unknown;
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (error) {
    throw new FormatError('safetensors: the header is no JSON', { byte: 8 }, { cause: error });
  }
  if (!isObject(parsed)) return fail('the header is no object');
  const twice = duplicateKey(text);
  if (twice !== undefined) fail(`${quote(twice)} is there twice`);
  return parsed;
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) return fail('__metadata__ is no object');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') fail(`__metadata__ ${quote(key)} is no string`);
  }
  return value as Record<string, string>;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function readInfo(name: string, info: unknown): TensorInfo {
  const of = `tensor ${quote(name)}`;
  if (!isObject(info)) return fail(`${of} is no object`);
  const { dtype: code, shape, data_offsets: offsets, ...rest } = info;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) fail(`${of} has an unknown key ${quote(unknown)}`);
  const dtype = typeof code === 'string' ? DTYPES.get(code) : undefined;
  if (dtype === undefined)
    return fail(
      `${of} has dtype ${quote(JSON.stringify(code) ?? 'none')}, which is not read; known are ${[...DTYPES.keys()].join(', ')}`,
    );
  if (!Array.isArray(shape) || shape.length > 64 || !shape.every(isSize))
    return fail(`${of} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail(`${of} has no valid data_offsets`);
  }
  const [begin = 0, end = 0] = offsets as number[];
  let needed: number;
  try {
    needed = sizeOf(shape) * itemSize(dtype);
  } catch {
    return fail(`${of} has a shape that is too large`);
  }
  if (end - begin !== needed) {
    return fail(
      `${of} of shape [${shape.join(', ')}] ${code} needs ${needed} bytes, its data_offsets give ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The file format promises that tensors lie end to end; whatever breaks that promise may hide data. */
function checkCover(tensors: readonly TensorInfo[], length: number): void {
  let at = 0;
  for (const { name, begin, end } of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < at) fail(`tensor ${quote(name)} overlaps another one`);
    if (begin > at) fail(`${begin - at} bytes before tensor ${quote(name)} belong to nothing`);
    if (end > length)
      fail(`truncated: tensor ${quote(name)} should end at ${end}, the data ends at ${length}`);
    at = end;
  }
  if (at < length) fail(`${length - at} bytes at the end belong to no tensor`);
}
