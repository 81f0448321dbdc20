import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

/** The checkout. */
export const ROOT = path.resolve(__dirname, '../../..');
const BIN = path.join(ROOT, 'apps/cli/bin/bidl.mjs');

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `bidl` in a process of its own; for specs. `onOutput` hears everything it prints. */
export function runBidl(
  args: readonly string[],
  {
    cwd = ROOT,
    env = {},
    onStart,
    onOutput,
  }: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly onStart?: (child: ChildProcess) => void;
    readonly onOutput?: (text: string, child: ChildProcess) => void;
  } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // nx forces colours on everything it runs; Node complains when they are forced and forbidden at once.
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onStart?.(child);
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
        onOutput?.(text, child);
      });
    }
    child.on('error', reject).on('close', (code) => resolve({ code, ...texts }));
  });
}
