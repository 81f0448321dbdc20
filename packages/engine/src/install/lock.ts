import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

const HEARTBEAT_MS = 5_000;
/** A lock whose holder has not shown a sign of life for this long is taken over. */
const STALE_MS = 60_000;

/**
 * Runs `work` while holding the lock file `<folder>/<name>.lock`, so that two installers do not collide. Waits for
 * another holder; a holder that died (its process is gone, or no heartbeat for a minute) is taken over.
 */
export async function withLock<T>(
  folder: string,
  name: string,
  log: (line: string) => void,
  work: () => Promise<T>,
  pollMs = 300,
): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, `${name}.lock`);
  let told = false;
  while (!tryTake(lock)) {
    const holder = readHolder(lock);
    if (holder !== undefined && isStale(lock, holder)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (!told)
      log(`Another installer (process ${holder?.pid ?? 'unknown'}) is at work on ${folder}; waiting for it.`);
    told = true;
    await new Promise((wake) => setTimeout(wake, pollMs));
  }
  const heartbeat = setInterval(() => touch(lock), HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(lock, { force: true });
  }
}

interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** Takes the lock if nobody has it: the content is written aside and linked into place, so it is never half there. */
function tryTake(lock: string): boolean {
  const aside = `${lock}.${process.pid}`;
  writeFileSync(aside, JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder));
  try {
    linkSync(aside, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(aside);
  }
}

function readHolder(lock: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isStale(lock: string, holder: Holder): boolean {
  if (holder.host === hostname() && holder.pid !== process.pid && !isAlive(holder.pid)) return true;
  try {
    return Date.now() - statSync(lock).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function touch(lock: string): void {
  try {
    utimesSync(lock, new Date(), new Date());
  } catch {
    // The lock was taken over while this process slept; the renames at the end keep the cache whole all the same.
  }
}
