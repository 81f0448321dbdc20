import { FormatError } from '../errors.js';
import { Cursor } from '../pickle/cursor.js';
import { PLAIN } from '../pickle/dialect.js';
import { budgetFor, readNext } from '../pickle/read-pickle.js';
import type { PickleValue } from '../pickle/value.js';
import { elementSize } from './element-types.js';
import type { Storage } from './storage.js';
import { torchObjects } from './torch-dialect.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * The format before PyTorch 1.6 (`_use_new_zipfile_serialization=False`): pickles of a magic number, a version, facts
 * about the machine, the value, and the storages' keys; then, for each key, the number of elements and the elements.
 *
 * The machine's byte order stands among the facts, but numbers and elements are little-endian whatever it was: torch
 * turns them when it writes.
 */
export function readLegacy(bytes: Uint8Array): PickleValue {
  const cursor = new Cursor(bytes);
  const budget = budgetFor(bytes);
  if (readNext(cursor, budget, PLAIN) !== MAGIC) {
    throw new FormatError(
      'no PyTorch checkpoint but a plain pickle; readPickle reads those of numbers and numpy arrays',
      { byte: 0 },
    );
  }
  const version = readNext(cursor, budget, PLAIN);
  if (version !== PROTOCOL)
    cursor.fail(
      `version ${typeof version === 'number' ? version : '(no number)'} of PyTorch's old format is unknown; ${PROTOCOL} is read`,
    );
  readNext(cursor, budget, PLAIN);
  const { dialect, storages, tensors } = torchObjects();
  const value = readNext(cursor, budget, dialect);
  const keys = readNext(cursor, budget, PLAIN);
  if (!Array.isArray(keys)) return cursor.fail('the list of storages is none');

  const contents = new Map<Storage, Uint8Array>();
  for (const key of keys) {
    const storage =
      typeof key === 'string' || typeof key === 'number' ? storages.get(String(key)) : undefined;
    if (!storage || contents.has(storage))
      return cursor.fail('a storage belongs to no tensor, or is there twice');
    const numel = cursor.u64();
    const length = numel * (storage.element ? elementSize(storage.element) : 1);
    if (length !== storage.byteLength)
      cursor.fail(
        `storage ${JSON.stringify(storage.key)} has ${length} bytes, its tensors need ${storage.byteLength}`,
      );
    contents.set(storage, cursor.view(length));
  }
  if (cursor.left > 0) cursor.fail(`${cursor.left} more bytes follow the last storage`);
  tensors.fill(
    (storage) =>
      contents.get(storage) ?? cursor.fail(`truncated: storage ${JSON.stringify(storage.key)} is missing`),
    true,
  );
  return value;
}
