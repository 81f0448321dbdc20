import { FormatError } from '../errors.js';
import { type Blank, blank, DTypeToken, latin1Bytes, makeArray, makeScalar, rawBytes } from './numpy.js';
import { Part } from './part.js';
import type { PickleValue } from './value.js';

/** What lies on the unpickler's stack: values, and what they are made with. */
export type Item = PickleValue | Part | Blank;

/** What a constructor may use. */
export interface Workshop {
  /** Accounts for work that a few bytes of the file cause; throws when it is out of proportion to the file. */
  spend(amount: number): void;
  /** Remembers an array that BUILD has yet to fill. */
  unfinished(array: Blank): void;
  /** Remembers a dict that may be given attributes. */
  ordered(dict: Map<PickleValue, PickleValue>): void;
}

/** What calling a name makes; undefined where the arguments make no sense. */
export type Maker = (args: readonly Item[], workshop: Workshop) => Item | undefined;

/** A name that a pickle may refer to, and what calling it makes. Nothing of Python runs: this is the whole of it. */
export class Global extends Part {
  readonly name: string;
  readonly call: (args: readonly Item[], workshop: Workshop) => Item;

  constructor(name: string, call: Maker) {
    super();
    this.name = name;
    this.call = (args, workshop) => {
      const made = call(args, workshop);
      if (made === undefined)
        throw new FormatError(`pickle: ${name} is called with arguments that make no sense`);
      return made;
    };
  }

  get described(): string {
    return `${this.name} itself`;
  }
}

const asItems = (value: Item | undefined): PickleValue[] | undefined => {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : undefined;
};

const makeSet: Maker = ([items], workshop) => {
  const list = asItems(items);
  if (!list) return undefined;
  workshop.spend(list.length * 8);
  return new Set(list);
};

/** `OrderedDict()` or `OrderedDict([[key, value], ...])`. */
const makeOrderedDict: Maker = ([items], workshop) => {
  const pairs = asItems(items);
  if (!pairs?.every((pair): pair is PickleValue[] => Array.isArray(pair) && pair.length === 2))
    return undefined;
  workshop.spend(pairs.length * 16);
  const dict = new Map(pairs.map(([key = null, value = null]) => [key, value]));
  workshop.ordered(dict);
  return dict;
};

/** `bytes()`, `bytearray(b'...')`, `bytearray('...', 'latin-1')`. */
const makeBytes: Maker = ([content], workshop) => {
  if (content === undefined) return new Uint8Array(0);
  if (typeof content === 'string' || ArrayBuffer.isView(content)) workshop.spend(content.length);
  return rawBytes(content)?.slice();
};

/** `_codecs.encode('...', 'latin1')`: how protocols 0-2 write bytes. */
const encode: Maker = ([text, encoding], workshop) => {
  if (
    typeof text !== 'string' ||
    typeof encoding !== 'string' ||
    !/^(latin[-_]?1|iso-?8859-1)$/i.test(encoding)
  ) {
    return undefined;
  }
  workshop.spend(text.length);
  return latin1Bytes(text);
};

const makeDType: Maker = ([descr]) => (typeof descr === 'string' ? new DTypeToken(descr) : undefined);

const spendRaw = (raw: Item | undefined, workshop: Workshop): void => {
  if (typeof raw === 'string' || ArrayBuffer.isView(raw)) workshop.spend(raw.length);
};

/** `_frombuffer(data, dtype, shape, order)`: how protocol 5 writes arrays. */
const fromBuffer: Maker = ([raw, dtype, shape, order], workshop) => {
  if (order !== 'C' && order !== 'F') return undefined;
  spendRaw(raw, workshop);
  return makeArray(shape, dtype, order === 'F', raw);
};

/** An empty array that BUILD fills. */
const reconstruct: Maker = ([type], workshop) => {
  if (!(type instanceof Global) || type.name !== 'numpy.ndarray') return undefined;
  const array = blank();
  workshop.unfinished(array);
  return array;
};

const scalar: Maker = ([dtype, raw], workshop) => {
  spendRaw(raw, workshop);
  return makeScalar(dtype, raw);
};

const notCalled: Maker = () => undefined;

const MAKERS: readonly (readonly [names: readonly string[], maker: Maker])[] = [
  [['builtins.set', '__builtin__.set', 'builtins.frozenset', '__builtin__.frozenset'], makeSet],
  [['builtins.bytes', '__builtin__.bytes', 'builtins.bytearray', '__builtin__.bytearray'], makeBytes],
  [['collections.OrderedDict'], makeOrderedDict],
  [['_codecs.encode'], encode],
  [['numpy.dtype'], makeDType],
  [['numpy.ndarray'], notCalled],
  [['numpy.core.multiarray._reconstruct', 'numpy._core.multiarray._reconstruct'], reconstruct],
  [['numpy.core.multiarray.scalar', 'numpy._core.multiarray.scalar'], scalar],
  [['numpy.core.numeric._frombuffer', 'numpy._core.numeric._frombuffer'], fromBuffer],
];

/** Names by what they are called in a pickle. */
export const globalsOf = (
  makers: readonly (readonly [names: readonly string[], maker: Maker])[],
): Map<string, Global> =>
  new Map(makers.flatMap(([names, maker]) => names.map((name) => [name, new Global(name, maker)] as const)));

/** What any data file may use. */
export const PLAIN_GLOBALS: ReadonlyMap<string, Global> = globalsOf(MAKERS);
