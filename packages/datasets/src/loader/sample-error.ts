import { FileError, FormatError } from '@bidl/formats';
import { PipelineError } from '@bidl/pipelines';
import { ConfigError } from '@bidl/registry';

import { type BaseDataset } from '../base-dataset.js';
import { DatasetError, LoaderError } from '../errors.js';

/** What an error in a sample tells beside its own words. */
export interface SampleErrorFacts {
  /** Number of the sample in its data set. */
  readonly index: number;
  /** Its file, when it has one. */
  readonly file?: string;
}

/** An error that happened while a sample was made; it has the name (and class) of the original one. */
export type SampleError = Error & SampleErrorFacts;

/** Runs `make`; an error comes out with the sample's number and file put in front of its message. */
export function located<T>(dataset: BaseDataset, index: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw locate(asError(error), { index, file: fileOf(dataset, index) });
  }
}

function fileOf(dataset: BaseDataset, index: number): string | undefined {
  try {
    return dataset.info(index).file;
  } catch {
    return undefined;
  }
}

function locate(error: Error, { index, file }: SampleErrorFacts): Error {
  const where = `sample ${index}${file && !error.message.includes(file) ? ` (${file})` : ''}`;
  const { facts, ...packed } = packError(error);
  return revive(
    {
      ...packed,
      message: `${where}: ${error.message}`,
      facts: { ...facts, index, file: file ?? facts['file'] },
    },
    error,
  );
}

/** An error as it travels between threads. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Own enumerable properties that survive the journey (`code`, `path`, `place`, `issues`, ...). */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Takes an error apart for a message to another thread. */
export function packError(error: unknown): PackedError {
  const { name, message, stack, ...rest } = asError(error) as Error & Record<string, unknown>;
  const facts = Object.fromEntries(
    Object.entries(rest).filter(([key, value]) => key !== 'cause' && plain(value)),
  );
  return { name, message, stack, facts };
}

/** The classes an error gets back on arrival, by name; others stay `Error` with their name. */
const CLASSES: Readonly<Record<string, { readonly prototype: Error }>> = {
  ConfigError,
  DatasetError,
  FileError,
  FormatError,
  LoaderError,
  PipelineError,
  RangeError,
  TypeError,
};

/** Puts an error together again. */
export function revive({ name, message, stack, facts }: PackedError, cause?: Error): Error {
  const error = new Error(message, cause && { cause });
  const prototype = CLASSES[name]?.prototype;
  if (prototype) Object.setPrototypeOf(error, prototype);
  const define = (key: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
  };
  define('name', name, false);
  if (stack !== undefined) define('stack', `${name}: ${message}\n${framesOf(stack)}`, false);
  for (const [key, value] of Object.entries(facts)) if (value !== undefined) define(key, value, true);
  return error;
}

const framesOf = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

function asError(error: unknown): Error {
  // Errors of another realm (a test's, a worker's) are no instances of this one's Error.
  return typeof error === 'object' && error !== null && 'message' in error
    ? (error as Error)
    : new Error(String(error));
}

function plain(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
