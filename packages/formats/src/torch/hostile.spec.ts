import { existsSync } from 'node:fs';
import { FormatError } from '../errors.js';
import { assemble, u64 } from '../spec/assemble.js';
import { fixture, goldenCheckpoint } from '../spec/fixture.js';
import { writeZip } from '../zip/zip.js';
import { readTorch } from './read-torch.js';

const refused = (bytes: Uint8Array): string => {
  try {
    readTorch(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return (error as FormatError).message;
  }
  throw new Error('it was read');
};
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
/** An archive of one folder, as torch.save writes it. */
const archive = (pickle: Uint8Array, entries: Readonly<Record<string, Uint8Array>> = {}): Uint8Array =>
  writeZip(
    new Map([['x/data.pkl', pickle], ...Object.entries(entries).map(([k, v]) => [`x/${k}`, v] as const)]),
  );

describe('checkpoints that want to run something', () => {
  it.each(['hostile.pth', 'hostile_legacy.pth'])('the golden %s is refused by name', (file) => {
    expect(refused(goldenCheckpoint(file))).toContain('posix.system is not allowed in a data file');
    expect(existsSync('/tmp/bidl_pwned')).toBe(false);
  });

  it.each([
    ['whole-model.pth', 'network.Net is not allowed in a data file'],
    ['whole-model.pth', 'torch.save(model.state_dict(), FILE)'],
    ['script.pth', 'a TorchScript archive (torch.jit.save): a program, not only weights'],
    ['script.pth', 'torch.save(torch.jit.load(FILE).state_dict()'],
    ['sparse.pth', 'torch._utils._rebuild_sparse_tensor is not allowed'],
    ['float8.pth', 'torch.float8_e5m2 is not allowed'],
    ['storage.pth', 'a torch storage itself is no data'],
    ['conjugated.pth', 'a tensor with the "conj" bit is not read; save tensor.resolve_conj()'],
  ])('%s: %s', (file, message) => {
    expect(refused(fixture(`torch/${file}`))).toContain(message);
  });

  it.each([
    'torch.jit.load',
    'torch.load',
    'torch._C._fft',
    'torch.storage._load_from_bytes',
    'torch.hub.load',
  ])('%s, of torch itself', (name) => {
    const [, module, leaf] = /^(.*)\.(\w+)$/.exec(name)!;
    const message = refused(archive(assemble(0x80, 2, 'c', `${module}\n${leaf}\n`, ')R.')));
    expect(message).toContain('entry "x/data.pkl": byte');
    expect(message).toContain(`${name} is not allowed in a data file`);
  });
});

/** The pickle of one tensor: storage of `numel` floats under key 0, and the arguments behind it. */
const tensor = (
  shape: number[],
  strides: number[],
  offset = 0,
  numel = 4,
  type = 'FloatStorage',
): Uint8Array => {
  const tuple = (values: number[]) => `(${values.map((v) => `L${v}L\n`).join('')}t`;
  return assemble(
    0x80, 2, 'ctorch._utils\n_rebuild_tensor_v2\n((', "S'storage'\n", `ctorch\n${type}\n`, "S'0'\nS'cpu'\n",
    `L${numel}L\ntQL${offset}L\n${tuple(shape)}${tuple(strides)}I00\nNtR.`,
  ); // prettier-ignore
};
const floats = { 'data/0': new Uint8Array(16) };

describe('tensors that make no sense', () => {
  it('are told from those that do', () => {
    expect(readTorch(archive(tensor([2, 2], [2, 1]), floats))).toEqual({
      dtype: 'float32',
      shape: [2, 2],
      data: new Float32Array(4),
    });
  });

  it.each<[string, Uint8Array, string]>([
    ['beyond the storage', tensor([5], [1]), 'reaches beyond its storage of 4 elements'],
    ['by its strides', tensor([2, 2], [3, 1]), 'strides [3, 1], offset 0 reaches beyond'],
    ['by its offset', tensor([4], [1], 1), 'offset 1 reaches beyond'],
    ['beyond 2^53', tensor([2, 2], [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]), 'reaches beyond'],
    ['negative sizes', tensor([-1], [1]), 'no valid shape, strides or offset'],
    ['negative strides', tensor([2], [-1], 1), 'no valid shape, strides or offset'],
    ['a negative offset', tensor([1], [1], -1), 'no valid shape, strides or offset'],
    ['fewer strides than axes', tensor([2, 2], [1]), 'no valid shape, strides or offset'],
    [
      'a terabyte of one number',
      tensor([2 ** 20, 2 ** 18], [0, 0]),
      'unfolds to far more than the file holds',
    ],
    ['more elements than can be counted', tensor([2 ** 30, 2 ** 30], [0, 0]), 'is too large'],
    ['too many axes', tensor(new Array(65).fill(1), new Array(65).fill(1)), 'no valid shape'],
    ['a storage of too much', tensor([1], [1], 0, 2 ** 52), 'torch storage "0" is too large'],
    ['a storage of terabytes', tensor([1], [1], 0, 2 ** 40), 'unfolds to far more than the file holds'],
    ['no such storage class', tensor([1], [1], 0, 4, 'FileStorage'), 'torch.FileStorage is not allowed'],
    ['no dtype', tensor([1], [1], 0, 16, 'UntypedStorage'), 'a tensor has no dtype'],
    [
      'a storage of another size',
      tensor([2], [1], 0, 2),
      'entry "x/data/0" has 16 bytes, its tensors need 8',
    ],
  ])('%s', (_, pickle, message) => {
    expect(refused(archive(pickle, floats))).toContain(message);
  });

  it.each<[string, Uint8Array, string]>([
    ['no tuple', assemble('NQ.'), 'a persistent id names no torch storage'],
    ['a module', assemble("(S'module'\nNNNtQ."), 'a persistent id names no torch storage'],
    ['text', assemble('P0\n.'), 'a persistent id names no torch storage'],
    [
      'a tensor of nothing',
      assemble('ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR.'),
      'arguments that make no sense',
    ],
    ['attributes on a plain dict', assemble('}}b.'), 'objects are not allowed'],
    ['a device without a type', assemble('ctorch\ndevice\n)R.'), 'arguments that make no sense'],
    ['two values', assemble('N.N.'), '2 more bytes follow its end'],
  ])('%s', (_, pickle, message) => {
    expect(refused(archive(pickle))).toContain(message);
  });
});

describe('a billion laughs, shared, but long when they are written out', () => {
  const levels = Array.from({ length: 60 }, (_, i) => assemble('(', `g${i}\n`.repeat(10), `lp${i + 1}\n0`));
  const laughs = assemble(']p0\n0', ...levels, 'g60\n');

  it.each<[string, Uint8Array, string]>([
    ['the index of a device', assemble("ctorch\ndevice\n(S'cuda'\n", laughs, 'tR.'), 'arguments that make no sense'],
    ['the key of a storage', assemble("(S'storage'\nctorch\nFloatStorage\n", laughs, "S'cpu'\nI1\ntQ."), 'names no torch storage'],
    ['the bit of a tensor', assemble(tensor([1], [1]).subarray(0, -3), '(', laughs, 'I01\ndtR.'), 'the "unknown" bit is not read'],
  ])('%s', (_, pickle, message) => {
    expect(refused(archive(pickle, floats))).toContain(message);
  }); // prettier-ignore

  it('the version of an old file', () => {
    const magic = assemble(0x80, 2, 0x8a, 10, 'l\xfc\x9cF\xf9 j\xa8P\x19.');
    expect(refused(assemble(magic, laughs, '.'))).toContain('version (no number) of PyTorch');
  });
});

describe('archives that are no checkpoint', () => {
  it.each<[string, Uint8Array, string]>([
    ['an npz file', fixture('stored.npz'), 'no PyTorch checkpoint: the archive has no data.pkl (it holds "a.npy", "b.npy")'],
    ['two folders', writeZip(new Map([['a/data.pkl', bytesOf('N.')], ['b/data.pkl', bytesOf('N.')]])), 'more than one data.pkl'],
    ['a byte order of its own', archive(bytesOf('N.'), { byteorder: bytesOf('middle') }), 'neither "little" nor "big"'],
    ['a storage left out', archive(tensor([1], [1])), 'zip archive has no entry "x/data/0"'],
    ['a truncated one', goldenCheckpoint('truncated.pth'), 'zip archive truncated: its directory is missing'],
    ['a bomb', writeZip(new Map([['x/data.pkl', new Uint8Array(5e6)]]), { compress: true }), 'zip archive oversized'],
    ['tar', assemble(new Uint8Array(257), 'ustar'), 'a checkpoint of PyTorch before 0.1.10'],
    ['text', bytesOf('weights'), 'no PyTorch checkpoint: neither a zip archive nor a pickle'],
    ['nothing', new Uint8Array(0), 'no PyTorch checkpoint'],
    ['a plain pickle', fixture('plain-4.pkl'), 'no PyTorch checkpoint but a plain pickle'],
  ])('%s', (_, bytes, message) => {
    expect(refused(bytes)).toContain(message);
  }); // prettier-ignore
});

describe('old files that are broken', () => {
  const magic = assemble(0x80, 2, 0x8a, 10, 'l\xfc\x9cF\xf9 j\xa8P\x19.');
  const head = assemble(magic, 0x80, 2, 'M\xe9\x03.', '}.');
  const one = assemble(head, tensor([2], [1], 1, 4));
  const key = "(S'0'\nl.";
  const part = assemble(
    head, 'ctorch._utils\n_rebuild_tensor_v2\n((', "S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\n",
    "(S'1'\nI2\nI2\nttQI1\n(I1\nt(I1\ntI00\nNtR.",
  ); // prettier-ignore
  const data = assemble(u64(4n), new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer));

  it('are told from whole ones', () => {
    expect(readTorch(assemble(one, key, data))).toMatchObject({ shape: [2], data: Float32Array.of(2, 3) });
    // Until PyTorch 0.4 a storage could be a part of another.
    expect(readTorch(assemble(part, key, data))).toMatchObject({ shape: [1], data: Float32Array.of(4) });
  });

  it.each<[string, Uint8Array, string]>([
    ['another version', assemble(magic, 'M\xea\x03.'), 'version 1002 of PyTorch'],
    ['no storages', assemble(one, '(l.'), 'storage "0" is missing'],
    ['no list of storages', assemble(one, 'N.'), 'the list of storages is none'],
    ['an unknown storage', assemble(one, "(S'7'\nl."), 'a storage belongs to no tensor'],
    ['a storage twice', assemble(one, "(S'0'\nS'0'\nl.", data), 'or is there twice'],
    ['a length that is none', assemble(one, key, u64(2n ** 63n)), 'its tensors need 16'],
    ['another length', assemble(one, key, u64(3n), new Uint8Array(12)), 'has 12 bytes, its tensors need 16'],
    [
      'data cut off',
      assemble(one, key, data.subarray(0, 20)),
      'truncated: 16 bytes are promised, 12 are left',
    ],
    ['data left over', assemble(one, key, data, 0), '1 more bytes follow the last storage'],
  ])('%s', (_, bytes, message) => {
    expect(refused(bytes)).toContain(message);
  });

  it('every cut is refused', () => {
    const whole = goldenCheckpoint('tinyconv_legacy.pth');
    for (let length = 0; length < whole.length; length += 61) {
      expect(refused(whole.subarray(0, length))).toMatch(/truncated|no PyTorch checkpoint|storage/);
    }
  });
});
