import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ndarray } from '../array/ndarray.js';
import { FormatError } from '../errors.js';
import { writeNmnist } from '../nmnist/nmnist.js';
import { writeNpy } from '../npy/npy.js';
import { writeNpz } from '../npy/npz.js';
import { writeSafetensors } from '../safetensors/safetensors.js';
import { fixture, fixturePath } from '../spec/fixture.js';
import { FileError } from './file-error.js';
import * as load from './load.js';
import { readBytes, readBytesAsync } from './read.js';
import { type Put, saveFile } from './save.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bidl-formats-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const text = (s: string): Uint8Array => new TextEncoder().encode(s);

/** What a call throws or rejects with. */
const errorOf = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

const array = ndarray(Float32Array.of(1, 2), [2]);
const events = { x: Uint16Array.of(1), y: Uint16Array.of(2), t: Uint32Array.of(3), p: Uint8Array.of(1) };
const LOADERS = [
  ['npy', load.loadNpy, load.loadNpyAsync, writeNpy(array), array],
  ['npz', load.loadNpz, load.loadNpzAsync, writeNpz({ array }), new Map([['array', array]])],
  ['safetensors', load.loadSafetensors, load.loadSafetensorsAsync, writeSafetensors({ array }), { tensors: new Map([['array', array]]), metadata: {} }],
  ['pkl', load.loadPickle, load.loadPickleAsync, text(']K\x01a.'), [1]],
  ['bin', load.loadNmnist, load.loadNmnistAsync, writeNmnist(events), events],
] as const; // prettier-ignore

describe.each(LOADERS)('loading .%s', (kind, loadSync, loadAsync, bytes, value) => {
  it('gives what is in the file', async () => {
    writeFileSync(at(`a.${kind}`), bytes);
    expect(loadSync(at(`a.${kind}`))).toEqual(value);
    expect(await loadAsync(at(`a.${kind}`))).toEqual(value);
  });

  it('names the file in every error', async () => {
    writeFileSync(at(`cut.${kind}`), bytes.subarray(0, bytes.length - 1));
    for (const call of [() => loadSync(at(`cut.${kind}`)), () => loadAsync(at(`cut.${kind}`))]) {
      const error = await errorOf(call);
      expect(error).toBeInstanceOf(FormatError);
      expect(error).toMatchObject({
        file: at(`cut.${kind}`),
        message: expect.stringContaining(at(`cut.${kind}`)),
      });
    }
    for (const call of [() => loadSync(at('none')), () => loadAsync(at('none'))]) {
      const error = await errorOf(call);
      expect(error).toBeInstanceOf(FileError);
      expect(error).toMatchObject({
        message: `${at('none')}: cannot be read: there is no such file`,
        code: 'ENOENT',
      });
    }
  });
});

describe('loading', () => {
  it('puts file and byte into the message', () => {
    writeFileSync(at('a.bin'), new Uint8Array(7));
    expect(() => load.loadNmnist(at('a.bin'))).toThrow(
      `${at('a.bin')}: byte 5: N-MNIST file truncated: its last event has 2 of 5 bytes`,
    );
    expect(() => load.loadNmnist(at('a.bin'), { maxBytes: 5 })).toThrow(
      `${at('a.bin')}: file oversized: 7 bytes, the limit is 5`,
    );
    expect(() => load.loadPickle(fixturePath('date.pkl'))).toThrow(
      /date\.pkl: byte \d+: pickle: datetime\.date is not allowed/,
    );
  });

  it('refuses what is no regular file, without hanging', async () => {
    mkdirSync(at('folder'));
    for (const [path, what] of [
      [at('folder'), 'it is a folder'],
      ['/dev/zero', 'it is no regular file'],
    ] as const) {
      // prettier-ignore
      expect(() => readBytes(path)).toThrow(`${path}: cannot be read: ${what}`);
      await expect(readBytesAsync(path)).rejects.toThrow(`${path}: cannot be read: ${what}`);
    }
    expect(() => readBytes(join(fixturePath('date.pkl'), 'x'))).toThrow('a part of its path is no folder');
  });

  it('gives memory of its own', () => {
    expect(readBytes(fixturePath('two.pkl'))).toEqual(fixture('two.pkl'));
    expect(readBytes(fixturePath('two.pkl')).buffer.byteLength).toBe(fixture('two.pkl').length);
  });
});

describe('saveFile', () => {
  it('writes a new file and replaces an old one, leaving nothing beside it', async () => {
    await saveFile(at('a'), text('one'));
    await saveFile(at('a'), text('two'));
    expect(readFileSync(at('a'), 'utf8')).toBe('two');
    await saveFile(at('empty'), new Uint8Array(0));
    expect(readdirSync(folder).sort()).toEqual(['a', 'empty']);
  });

  it('writes only its part of a larger memory', async () => {
    await saveFile(at('a'), text('0123456789').subarray(2, 5));
    expect(readFileSync(at('a'), 'utf8')).toBe('234');
  });

  it('keeps the mode of the old file and follows a link', async () => {
    writeFileSync(at('real'), 'old');
    chmodSync(at('real'), 0o640);
    symlinkSync(at('real'), at('link'));
    await saveFile(at('link'), text('new'));
    expect(readFileSync(at('real'), 'utf8')).toBe('new');
    expect(statSync(at('real')).mode & 0o777).toBe(0o640);
  });

  it('lets saves of one path wait for each other', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(1000));
    await Promise.all(contents.map((content) => saveFile(at('a'), text(content))));
    expect(contents).toContain(readFileSync(at('a'), 'utf8'));
    expect(readdirSync(folder)).toEqual(['a']);
  });

  const failing =
    (code: string): Put =>
    async (path, bytes) => {
      // Half of it gets to the disk, as when the disk fills up.
      const file = await open(path, 'r+');
      await file.write(bytes, 0, bytes.length >> 1);
      await file.close();
      throw Object.assign(new Error(`${code}: injected`), { code });
    };

  it.each([
    ['ENOSPC', 'the disk is full; the file is as it was before'],
    ['EDQUOT', 'the disk quota is used up'],
    ['EACCES', 'no permission to write there'],
    ['EIO', 'the disk reports an error'],
    ['EWEIRD', 'EWEIRD: injected'],
  ])('%s leaves the old file and nothing else', async (code, words) => {
    await saveFile(at('a'), text('old'));
    const error = await errorOf(() => saveFile(at('a'), text('new content'), failing(code)));
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({
      path: at('a'),
      code,
      message: expect.stringContaining(`${at('a')}: cannot be written: ${words}`),
    });
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
    await saveFile(at('a'), text('newer'));
    expect(readFileSync(at('a'), 'utf8')).toBe('newer');
  });

  it('a device that is really full is told as such', async () => {
    // The kernel's own full disk: every write to it fails with ENOSPC.
    const toFull: Put = async (_, bytes) => {
      const full = await open('/dev/full', 'r+');
      try {
        await full.write(bytes);
      } finally {
        await full.close();
      }
    };
    await saveFile(at('a'), text('old'));
    await expect(saveFile(at('a'), text('new'), toFull)).rejects.toThrow(
      `${at('a')}: cannot be written: the disk is full`,
    );
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
  });

  it('a write that comes back short is gone on with, and never taken for the whole', async () => {
    const handle = await open(fixturePath('two.pkl'), 'r');
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const { write } = prototype;
    // As the kernel does when the disk is about to be full: some bytes are taken, without an error, then none.
    let room = Infinity;
    const spy = jest.spyOn(prototype, 'write').mockImplementation(async function (
      this: typeof handle,
      ...args: unknown[]
    ) {
      const [bytes, offset, length, position] = args as [Uint8Array, number, number, number];
      if (room <= 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      const taken = Math.min(length, 1000, room);
      room -= taken;
      return (write as (...rest: unknown[]) => never).call(this, bytes, offset, taken, position);
    } as never);
    try {
      const content = Uint8Array.from({ length: 5500 }, (_, i) => i);
      await saveFile(at('a'), content);
      expect(new Uint8Array(readFileSync(at('a')))).toEqual(content);
      expect(spy).toHaveBeenCalledTimes(6);
      room = 2500;
      const error = await errorOf(() => saveFile(at('a'), new Uint8Array(5500)));
      expect(error).toMatchObject({ name: 'FileError', code: 'ENOSPC' });
      expect(new Uint8Array(readFileSync(at('a')))).toEqual(content);
      expect(readdirSync(folder)).toEqual(['a']);
    } finally {
      spy.mockRestore();
    }
  });

  it('says when the place itself is wrong', async () => {
    await expect(saveFile(at('none/a'), text('x'))).rejects.toThrow(
      'cannot be written: its folder does not exist',
    );
    writeFileSync(at('file'), '');
    await expect(saveFile(at('file/a'), text('x'))).rejects.toThrow('a part of its path is no folder');
    mkdirSync(at('folder'));
    await expect(saveFile(at('folder'), text('x'))).rejects.toThrow('it is a folder, not a file');
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
  });
});
