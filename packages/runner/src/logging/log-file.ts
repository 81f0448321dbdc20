import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

const two = (n: number, width = 2) => String(n).padStart(width, '0');

/** `YYYYmmdd_HHMMSS`, local time. */
export function fileStamp(date: Date): string {
  return (
    `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}_` +
    `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`
  );
}

/** `YYYY-mm-dd HH:MM:SS,mmm`, local time, as Python's logging writes it. */
export function lineStamp(date: Date): string {
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())},${two(date.getMilliseconds(), 3)}`
  );
}

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;

export type LogLevel = (typeof LEVELS)[number];

/** A run's log: `<dir>/YYYYmmdd_HHMMSS.log`, one line `time - cls - LEVEL - message` per message. */
export interface RunLog {
  readonly path: string;
  write(message: string, level?: LogLevel): void;
  /** Into the file only: for what the caller hears of in another way. */
  note(message: string, level?: LogLevel): void;
}

export interface RunLogOptions {
  /** Hears every line too. */
  readonly onLine?: (line: string) => void;
  /** Messages below it are dropped. Default INFO. */
  readonly level?: LogLevel;
  readonly clock?: () => Date;
}

/**
 * Open a run's log. Lines are appended at once, so a killed run loses none. When the file can't be written (full
 * disk) the run goes on and `onLine` hears of it once.
 */
export function openRunLog(
  dir: string,
  { onLine, level: lowest = 'INFO', clock = () => new Date() }: RunLogOptions = {},
): RunLog {
  const path = join(dir, `${fileStamp(clock())}.log`);
  const lineOf = (message: string, level: LogLevel) => `${lineStamp(clock())} - cls - ${level} - ${message}`;
  let broken = false;
  const append = (line: string) => {
    if (broken) return;
    try {
      appendFileSync(path, `${line}\n`);
    } catch (error) {
      broken = true;
      const why = error instanceof Error ? error.message : String(error);
      onLine?.(lineOf(`the log ${path} can't be written (${why}); training goes on without it`, 'WARNING'));
    }
  };
  const wanted = (level: LogLevel) => LEVELS.indexOf(level) >= LEVELS.indexOf(lowest);
  return {
    path,
    write(message, level = 'INFO') {
      if (!wanted(level)) return;
      const line = lineOf(message, level);
      onLine?.(line);
      append(line);
    },
    note(message, level = 'INFO') {
      if (wanted(level)) append(lineOf(message, level));
    },
  };
}
