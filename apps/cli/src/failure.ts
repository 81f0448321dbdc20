import { CommanderError } from 'commander';
import pc from 'picocolors';

import { stopSignal } from './interrupt.js';

/** Exit codes: 1 a failure, 2 a command that was written wrong, 128 + signal for one that was stopped. */
const FAILED = 1;
const USAGE = 2;

/** A command line that makes no sense although every part of it does. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Prints what went wrong, in one message without a stack, and gives the exit code that fits. */
export function exitCodeOf(error: unknown): number {
  // commander has printed its own message (or the help that was asked for).
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  const stopped = stopSignal();
  const name = error instanceof Error ? error.name : '';
  // An InterruptedError says what is left and how to go on; an AbortError knows nothing of it.
  process.stderr.write(stopped && name === 'AbortError' ? 'Stopped.\n' : `${describe(error)}\n`);
  if (stopped && ['InterruptedError', 'AbortError'].includes(name)) return stopped.exitCode;
  return error instanceof UsageError ? USAGE : FAILED;
}

function describe(error: unknown): string {
  if (!(error instanceof Error) && !(typeof error === 'object' && error !== null && 'message' in error)) {
    return `${pc.red('Error')}: ${String(error)}`;
  }
  const { name = 'Error', message, stack } = error as Error;
  if (process.env['BIDL_DEBUG']) return stack ?? `${name}: ${message}`;
  if (error instanceof UsageError) return `error: ${message}`;
  const isOurs = !UNEXPECTED.includes(name);
  const hint = isOurs ? '' : '\nThis looks like a fault in bidl itself: BIDL_DEBUG=1 shows where.';
  return `${pc.red(name)}: ${message}${hint}`;
}

/** Errors that nobody throws on purpose. */
const UNEXPECTED = ['TypeError', 'ReferenceError', 'RangeError'];

/** Ends the process once everything printed has gone out; open threads and timers don't hold it. */
export async function exit(code: number): Promise<never> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((done) => stream.write('', () => done())),
    ),
  );
  process.exit(code);
}
