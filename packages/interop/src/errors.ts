import type { MappingReport } from './torch/report.js';
import { describeProblems } from './torch/describe.js';

/** A file of another framework is understood, but it is not what is wanted of it. */
export class InteropError extends Error {
  override readonly name: string = 'InteropError';
}

/** Weights that are not those of the network: the message lists what differs, `report` has every key. */
export class WeightMappingError extends InteropError {
  override readonly name = 'WeightMappingError';

  constructor(
    network: string,
    readonly report: MappingReport,
  ) {
    super(`these weights are not those of ${network}.\n${describeProblems(report)}`);
  }
}
