import { exit, exitCodeOf } from './failure.js';
import { createProgram } from './program.js';

try {
  await createProgram().parseAsync(process.argv);
  await exit(Number(process.exitCode ?? 0));
} catch (error) {
  await exit(exitCodeOf(error));
}
