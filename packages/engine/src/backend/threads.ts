import { availableParallelism } from 'node:os';

/** TensorFlow's threads for one op: what was asked for, else all cores. */
export function tensorflowThreads(): number {
  const asked = Number(process.env['TF_NUM_INTRAOP_THREADS']);
  return Number.isInteger(asked) && asked > 0 ? asked : availableParallelism();
}
