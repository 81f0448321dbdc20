/** The signals that end a command. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

interface Stop {
  readonly name: keyof typeof SIGNALS;
  readonly exitCode: number;
}

let stop: Stop | undefined;

/** The signal that has asked this process to end, if one has. */
export const stopSignal = (): Stop | undefined => stop;

/**
 * A signal for long work: the first Ctrl-C (or SIGTERM) aborts it, so that it can finish its step and close its
 * files; the second ends the process at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop) process.exit(SIGNALS[name]);
      stop = { name, exitCode: SIGNALS[name] };
      process.stderr.write('\nStopping after this step. Once more ends it at once.\n');
      controller.abort();
    });
  }
  return controller.signal;
}
