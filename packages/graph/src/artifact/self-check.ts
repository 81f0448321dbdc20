import { createExecutor } from '../executor/executor.js';
import type { Check, CheckBytes } from './checks.js';
import { runCheck } from './checks.js';
import { FILES } from './layout.js';
import { bytesOf, join } from './memory.js';
import { type Artifact, readArtifact } from './read.js';

/** One file whose contents are not what comes out now. */
export interface CheckDifference {
  readonly file: string;
  /** First byte that differs. */
  readonly byte: number;
}

export interface SelfCheck {
  /** Every output of every step and every state came out bit for bit as written. */
  readonly equal: boolean;
  readonly differences: readonly CheckDifference[];
  /** Samples that ran, and steps of each. */
  readonly samples: number;
  readonly timesteps: number;
}

const CASES = {
  case0: { output: FILES.caseOutput, firstState: undefined, lastState: FILES.caseState },
  batch: { output: FILES.batchOutput, firstState: FILES.batchFirstState, lastState: FILES.batchLastState },
} as const;

/**
 * Runs the samples that an artifact carries through the reference executor and compares with the outputs and states
 * that it carries.
 *
 * @param artifact one that was read, or its folder
 * @throws ArtifactError when the folder holds no sound artifact
 */
export function selfCheck(artifact: Artifact | string): SelfCheck {
  const { graph, checks } = typeof artifact === 'string' ? readArtifact(artifact) : artifact;
  const executor = createExecutor(graph);
  const differences = (['case0', 'batch'] as const).flatMap((name) => {
    const check = checks[name];
    return compare(check, runCheck(executor, check.inputs, check.n), CASES[name]);
  });
  return {
    equal: differences.length === 0,
    differences,
    samples: checks.case0.n + checks.batch.n,
    timesteps: graph.timesteps,
  };
}

function compare(
  check: Check,
  got: Omit<CheckBytes, 'input'>,
  files: { output: string; firstState?: string; lastState: string },
): CheckDifference[] {
  const wanted = { ...check, output: join(check.outputs.flat().map(bytesOf)) };
  return (['output', 'firstState', 'lastState'] as const).flatMap((part) => {
    const want = wanted[part];
    const file = files[part];
    if (!want || file === undefined) return [];
    const byte = want.findIndex((value, i) => value !== got[part][i]);
    return byte < 0 ? [] : [{ file, byte }];
  });
}
