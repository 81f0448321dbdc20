import { codeOf, messageOf } from '../errors.js';

/** A file could not be read or written. `code` is the system's (`ENOENT`, `ENOSPC`, ...), where it gave one. */
export class FileError extends Error {
  override readonly name: string = 'FileError';
  readonly path: string;
  readonly code: string | undefined;

  constructor(path: string, what: string, options: ErrorOptions & { readonly code?: string } = {}) {
    super(`${path}: ${what}`, options);
    this.path = path;
    this.code = options.code;
  }
}

const READING: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file: a part of its path is no folder',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  EISDIR: 'it is a folder, not a file',
  EMFILE: 'too many files are open',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than can be read at once',
};

const WRITING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; the file is as it was before. Free some space and try again',
  EDQUOT: 'the disk quota is used up; the file is as it was before. Free some space and try again',
  EACCES: 'no permission to write there; the file is as it was before',
  EPERM: 'no permission to write there; the file is as it was before',
  EROFS: 'the file system is read-only',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder, not a file',
  EFBIG: 'the file would be larger than allowed; it is as it was before',
  EIO: 'the disk reports an error; the file is as it was before',
};

/** Says in words what the system's error means for this path. */
export function fileError(path: string, error: unknown, doing: 'read' | 'written'): FileError {
  const code = codeOf(error);
  const words = (doing === 'read' ? READING : WRITING)[code ?? ''];
  const detail = words ?? messageOf(error);
  return new FileError(path, `cannot be ${doing}: ${detail}`, { code, cause: error });
}
