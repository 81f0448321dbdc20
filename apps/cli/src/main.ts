import { exit, exitCodeOf } from './failure.js';
import { createProgram } from './program.js';

// `bidl configs list | head` closes the pipe early: nobody reads on, and that is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  await createProgram().parseAsync(process.argv);
  await exit(Number(process.exitCode ?? 0));
} catch (error) {
  await exit(exitCodeOf(error));
}
