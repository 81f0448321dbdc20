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

export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

/** A run's log: `<dir>/YYYYmmdd_HHMMSS.log`, one line `time - cls - LEVEL - message` per message. */
export interface RunLog {
  readonly path: string;
  write(message: string, level?: LogLevel): void;
}

/**
 * Open a run's log. Lines are appended at once, so a killed run loses none. When the file can't be written (full
 * disk) the run goes on and `onLine` hears of it once.
 */
export function openRunLog(
  dir: string,
  { onLine, clock = () => new Date() }: { onLine?: (line: string) => void; clock?: () => Date } = {},
): RunLog {
  const path = join(dir, `${fileStamp(clock())}.log`);
  let broken = false;
  return {
    path,
    write(message, level = 'INFO') {
      const line = `${lineStamp(clock())} - cls - ${level} - ${message}`;
      onLine?.(line);
      if (broken) return;
      try {
        appendFileSync(path, `${line}\n`);
      } catch (error) {
        broken = true;
        onLine?.(
          `${lineStamp(clock())} - cls - WARNING - the log ${path} can't be written ` +
            `(${error instanceof Error ? error.message : String(error)}); training goes on without it`,
        );
      }
    },
  };
}
