import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { FormatError } from '../errors.js';
import { assemble, u32, u64 } from '../spec/assemble.js';
import { fixture, goldenCheckpoint } from '../spec/fixture.js';
import { readZip } from '../zip/zip.js';
import { readPickle, readPickles } from './read-pickle.js';

const refused = (bytes: Uint8Array): string => {
  try {
    readPickle(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return (error as FormatError).message;
  }
  throw new Error('it was read');
};

describe('pickles that want to run something', () => {
  it.each([
    ['GLOBAL', assemble('cposix\nsystem\n(S', "'touch /tmp/bidl_pwned'\n", 'tR.'), 'posix.system'],
    [
      'STACK_GLOBAL',
      assemble(0x80, 4, 0x8c, 5, 'posix', 0x8c, 6, 'system', 0x93, 0x8c, 1, 'x', 0x85, 'R.'),
      'posix.system',
    ],
    ['INST', assemble('(', "S'ls'\n", 'ios\nsystem\n.'), 'os.system'],
    ['eval', assemble('cbuiltins\neval\n(', "S'1'\n", 'tR.'), 'builtins.eval'],
    ['getattr', assemble('c__builtin__\ngetattr\n.'), '__builtin__.getattr'],
    ['copyreg', assemble('ccopyreg\n_reconstructor\n.'), 'copyreg._reconstructor'],
    ['a numpy loader', assemble('cnumpy\nload\n.'), 'numpy.load'],
    ['a dotted path through an allowed name', assemble('cnumpy\nndarray.tofile\n.'), 'numpy.ndarray.tofile'],
    ['a name out of JavaScript', assemble('cconstructor\nconstructor\n.'), 'constructor.constructor'],
    ['prototypes', assemble('c__proto__\n__proto__\n.'), '__proto__.__proto__'],
    ['torch', assemble('ctorch._utils\n_rebuild_tensor_v2\n.'), 'torch._utils._rebuild_tensor_v2'],
  ])('%s is refused by name', (_, bytes, name) => {
    expect(refused(bytes)).toContain(`${name} is not allowed in a data file`);
  });

  it('a name cannot forge a message', () => {
    expect(refused(assemble('cposix\x1b[2J\rok\nsystem', '\n.'))).toContain(
      'posix?[2J?ok.system is not allowed',
    );
    expect(refused(assemble('c', 'a'.repeat(5000), '\nb\n.')).length).toBeLessThan(250);
  });

  it('the golden hostile checkpoints are refused and run nothing', () => {
    const inZip = readZip(goldenCheckpoint('hostile.pth'));
    const [, pickle] = [...inZip].find(([name]) => name.endsWith('data.pkl'))!;
    expect(Buffer.from(pickle).includes('posix')).toBe(true);
    expect(refused(pickle)).toContain('is not allowed in a data file');
    // What is left when the tensors before it, which are refused first, are taken away.
    const call = Buffer.from(pickle).indexOf('cposix\nsystem\n');
    expect(call).toBeGreaterThan(0);
    expect(refused(pickle.subarray(call))).toContain('posix.system is not allowed in a data file');
    const legacy = goldenCheckpoint('hostile_legacy.pth');
    expect(() => readPickles(legacy)).toThrow(/is not allowed in a data file/);
    expect(existsSync('/tmp/bidl_pwned')).toBe(false);
  });

  it('a zip archive is told apart', () => {
    expect(refused(goldenCheckpoint('hostile.pth'))).toContain('zip archive');
  });

  it.each([
    ['PERSID', assemble('P1\n.'), 'persistent ids'],
    ['BINPERSID', assemble('NQ.'), 'persistent ids'],
    ['EXT1', assemble(0x82, 1, '.'), 'extension registry'],
    ['EXT2', assemble(0x83, 1, 0, '.'), 'extension registry'],
    ['EXT4', assemble(0x84, u32(1), '.'), 'extension registry'],
    ['OBJ', assemble('(ccollections\nOrderedDict\no.'), 'instances of classes'],
    [
      'INST of an allowed name',
      assemble('(icollections\nOrderedDict\n.'),
      'an instance of collections.OrderedDict',
    ],
    ['NEWOBJ_EX', assemble(0x92, '.'), 'keyword arguments'],
    ['NEXT_BUFFER', assemble(0x97, '.'), 'buffers outside of the file'],
    ['BUILD on a dict', assemble('}}b.'), 'objects are not allowed in a data file'],
  ])('%s is refused', (_, bytes, message) => {
    expect(refused(bytes)).toContain(message);
  });
});

describe('pickles that want memory or time', () => {
  it.each([
    ['a string of 4 GiB', assemble('X', u32(0xffffffff), 'abc.'), 'a string of 4294967295 bytes is too long'],
    [
      'a string beyond the end',
      assemble('X', u32(100), 'abc.'),
      'truncated: 100 bytes are promised, 4 are left',
    ],
    ['bytes of 16 EiB', assemble(0x8e, u64(2n ** 64n - 1n), '.'), 'truncated'],
    ['a bytearray of 1 TiB', assemble(0x96, u64(2n ** 40n), '.'), 'truncated: 1099511627776 bytes'],
    [
      'a frame beyond the end',
      assemble(0x80, 4, 0x95, u64(1000n), 'N.'),
      'a frame of 1000 bytes is promised',
    ],
    ['a whole number of 100 MB', assemble(0x8b, u32(1e8), '.'), 'a whole number of 100000000 bytes'],
    ['a negative length', assemble(0x8b, u32(0xffffffff), '.'), 'a whole number of -1 bytes'],
    ['a million digits', assemble('I', '9'.repeat(1e6), '\n.'), 'a decimal whole number is none'],
  ])('%s', (_, bytes, message) => {
    expect(refused(bytes)).toContain(message);
  });

  const ARRAY = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n";
  const DTYPE = "cnumpy\ndtype\n(S'f8'\ntR";

  it('an array larger than its bytes', () => {
    const bytes = assemble(ARRAY, '(I100000000000\nt', DTYPE, "I00\nS'abc'\ntb.");
    expect(refused(bytes)).toContain('needs 800000000000 bytes, there are 3');
  });

  it('an array with a senseless shape', () => {
    for (const shape of ['(I-1\nt', '(F1.5\nt', 'N', `(${'I1\n'.repeat(65)}t`, '(NtN0']) {
      expect(refused(assemble(ARRAY, shape, DTYPE, "I00\nS'abc'\ntb."))).toContain('no valid shape');
    }
    expect(refused(assemble(ARRAY, '(I9007199254740991\nI9\nt', DTYPE, "I00\nS''\ntb."))).toContain(
      'too large',
    );
  });

  it('a million arrays out of the same bytes', () => {
    const scalarOf = assemble('cnumpy.core.multiarray\nscalar\n', 'p0\n0', "cnumpy\ndtype\n(S'u1'\ntRp1\n0");
    const codec = assemble(
      'c_codecs\nencode\np2\n0X',
      u32(100_000),
      'a'.repeat(100_000),
      'p3\n0',
      "S'latin1'\np4\n0",
    );
    const again = assemble('g2\n(g3\ng4\ntR0');
    const bytes = assemble(scalarOf, codec, ...new Array<Uint8Array>(1000).fill(again), 'N.');
    expect(refused(bytes)).toContain('unfolds to far more than the file holds');
  });

  it('a set out of the same long list, again and again', () => {
    const list = assemble('(', 'K\x01'.repeat(50_000), 'lp0\n0c__builtin__\nset\np1\n0');
    const bytes = assemble(list, ...new Array<Uint8Array>(1000).fill(assemble('g1\n(g0\ntR0')), 'N.');
    expect(refused(bytes)).toContain('unfolds to far more than the file holds');
  });

  it('a billion laughs stay shared', () => {
    const levels = Array.from({ length: 60 }, (_, i) => assemble('(', `g${i}\n`.repeat(10), `lp${i + 1}\n`));
    const value = readPickle(assemble(']p0\n', ...levels, '.'));
    expect(value).toHaveLength(10);
  });

  it('nesting beyond 256 levels', () => {
    expect(refused(assemble(']'.repeat(257), 'a'.repeat(256), '.'))).toContain(
      'nested deeper than 256 levels',
    );
    expect(refused(assemble(']'.repeat(200_000), 'a'.repeat(199_999), '.'))).toContain(
      'nested deeper than 256 levels',
    );
    expect(readPickle(assemble(']'.repeat(256), 'a'.repeat(255), '.'))).toHaveLength(1);
    // Deep because of what was built before.
    const half = assemble(']'.repeat(200), 'a'.repeat(199), 'p0\n0');
    expect(refused(assemble(half, ']'.repeat(100), 'g0\n', 'a'.repeat(100), '.'))).toContain('nested deeper');
  });

  it('values that hold themselves', () => {
    expect(refused(assemble(']p0\ng0\na.'))).toContain('a container holds itself');
    expect(refused(assemble('}p0\nNg0\ns.'))).toContain('a container holds itself');
    expect(refused(assemble(']p0\n(g0\nta.'))).toContain('a container holds itself');
  });

  it('a wild memo number', () => {
    expect(readPickle(assemble('Nr', u32(0xffffffff), 'j', u32(0xffffffff), 'a.'.slice(1)))).toBeNull();
    expect(readPickle(assemble('K\x07q\x02', 'K\x08q\x00K\x09q\x01K\x05q\x02h\x02.'))).toBe(5);
  });
});

describe('pickles that are broken', () => {
  it.each([
    ['nothing', assemble(), 'truncated'],
    ['no STOP', assemble('N'), 'truncated'],
    ['an empty stack', assemble('.'), 'takes a value from an empty stack'],
    ['no such mark', assemble('t.'), 'refers to a mark that is not there'],
    ['reaching below a mark', assemble('N(a.'), 'takes a value from an empty stack'],
    ['an unknown memo', assemble('h\x05.'), 'memo 5 is used and was never put'],
    ['a negative memo', assemble('Np-1\n.'), 'a memo number is none'],
    ['an unknown opcode', assemble(0xff), 'byte 0: pickle: 0xff is no opcode'],
    ['protocol 6', assemble(0x80, 6, 'N.'), 'protocol 6 is unknown'],
    ['bad UTF-8', assemble('X', u32(1), 0xff, '.'), 'no valid UTF-8'],
    ['a line without end', assemble('I12'), 'a line does not end'],
    ['an odd dict', assemble('(Nd.'), 'a key without a value'],
    ['appending to None', assemble('NNa.'), 'no list'],
    ['items of a list', assemble('](NNu.'), 'no dict'],
    ['adding to a list', assemble('](N', 0x90, '.'), 'no set'],
    ['calling a string', assemble("S'x'\n)R."), 'something is called that cannot be'],
    ['calling without a tuple', assemble('c__builtin__\nset\nNR.'), 'something is called that cannot be'],
    ['a class as data', assemble('cnumpy\nndarray\n.'), 'numpy.ndarray itself is no data'],
    [
      'a class in a list',
      assemble('(ccollections\nOrderedDict\nl.'),
      'collections.OrderedDict itself is no data',
    ],
    [
      'a class as a key',
      assemble('(ccollections\nOrderedDict\nNd.'),
      'collections.OrderedDict itself is no data',
    ],
    ['a dtype as data', assemble("cnumpy\ndtype\n(S'f4'\ntR."), 'a numpy dtype itself is no data'],
    [
      'a dtype of nothing',
      assemble('cnumpy\ndtype\n)R.'),
      'numpy.dtype is called with arguments that make no sense',
    ],
    [
      'calling ndarray',
      assemble('cnumpy\nndarray\n)R.'),
      'numpy.ndarray is called with arguments that make no sense',
    ],
    [
      'an unfilled array',
      assemble("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(tS'b'\ntR."),
      'never filled',
    ],
    [
      'rebuilding another class',
      assemble('cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\ntR.'),
      'make no sense',
    ],
    [
      'bytes in another code',
      assemble("c_codecs\nencode\n(S'x'\nS'rot13'\ntR."),
      '_codecs.encode is called with',
    ],
    [
      'wide characters as bytes',
      assemble("c_codecs\nencode\n(V\\u1234\nS'latin1'\ntR."),
      '_codecs.encode is called with',
    ],
    ['an unquoted string', assemble('Sabc\n.'), 'a quoted string is none'],
    ['a character beyond Unicode', assemble('V\\U00110000\n.'), 'no such character'],
    ['a float of words', assemble('Fone\n.'), 'a decimal number is none'],
    ['pairs that are none', assemble('ccollections\nOrderedDict\n((I1\nltR.'), 'make no sense'],
  ])('%s', (_, bytes, message) => {
    expect(refused(bytes)).toMatch(new RegExp(message.replace(/[.()]/g, '\\$&')));
  });

  it('every cut of a good file is refused', () => {
    const whole = fixture('plain-4.pkl');
    for (let length = 0; length < whole.length; length += 7) {
      expect(refused(whole.subarray(0, length))).toMatch(/truncated/);
    }
  });
});

describe('what Python 2 wrote', () => {
  it.each([
    ['text', assemble("S'a\\n\\x41\\101\\'\\\\'\n."), "a\nAA'\\"],
    ['bytes', assemble("S'\\xff\\x00'\n."), Uint8Array.of(255, 0)],
    ['short binary text', assemble('U\x02ok.'), 'ok'],
    ['binary bytes', assemble('T', u32(2), 0x80, 0x81, '.'), Uint8Array.of(0x80, 0x81)],
    ['long numbers', assemble('L123456789012345678901234567890L\n.'), 123456789012345678901234567890n],
    ['short long numbers', assemble('L-5L\n.'), -5],
    ['truth', assemble('I01\n.'), true],
    ['floats', assemble('F-1e-05\n.'), -1e-5],
    ['infinity', assemble('F-inf\n.'), -Infinity],
    ['discarded values', assemble('N(NN1K\x010K\x05(0.'), 5],
    ['duplicates', assemble('K\x012\x86.'), [1, 1]],
    ['an OrderedDict of pairs', assemble('ccollections\nOrderedDict\n(((K\x01K\x02lltR.'), new Map([[1, 2]])],
  ])('%s', (_, bytes, want) => {
    expect(readPickle(bytes)).toEqual(want);
  });
});

describe('whatever the bytes are', () => {
  const attempt = (bytes: Uint8Array): void => {
    try {
      readPickles(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  };
  const seeds = [0, 1, 2, 3, 4, 5].flatMap((p) => [fixture(`plain-${p}.pkl`), fixture(`arrays-${p}.pkl`)]);

  it('mutated files give a value or a FormatError, soon', () => {
    const edits = fc.array(
      fc.record({ at: fc.nat(4000), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) }),
      { minLength: 1, maxLength: 8 },
    );
    const started = Date.now();
    fc.assert(
      fc.property(fc.constantFrom(...seeds), edits, (seed, changes) => {
        let bytes = seed;
        for (const { at, remove, insert } of changes) {
          const from = at % bytes.length;
          bytes = assemble(bytes.subarray(0, from), insert, bytes.subarray(from + remove));
        }
        attempt(bytes);
      }),
      { numRuns: 1500 },
    );
    expect(Date.now() - started).toBeLessThan(50_000);
  });

  it('strings of opcodes give a value or a FormatError', () => {
    const snippets = [
      ...Array.from({ length: 256 }, (_, code) => assemble(code)),
      ...[
        '(',
        ')',
        ']',
        '}',
        'N',
        'K\x01',
        'p0\n',
        'g0\n',
        'R',
        'b',
        '.',
        'cnumpy\nndarray\n',
        'ccollections\nOrderedDict\n',
      ].map((s) => assemble(s)),
      assemble("cnumpy\ndtype\n(S'f4'\ntR"),
      assemble('cnumpy.core.multiarray\n_reconstruct\n'),
      assemble('cnumpy.core.multiarray\nscalar\n'),
      assemble('cnumpy._core.numeric\n_frombuffer\n'),
      assemble('c_codecs\nencode\n'),
      assemble('c__builtin__\nset\n'),
      assemble('c__builtin__\nbytearray\n'),
      assemble("S'latin1'\n"),
      assemble('C\x04abcd'),
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...snippets), { maxLength: 40 }), (parts) =>
        attempt(assemble(...parts, '.')),
      ),
      { numRuns: 3000 },
    );
  });
});
