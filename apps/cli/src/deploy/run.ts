import type { LoadedConfig } from '@bidl/config';

import type { Output } from '../output.js';
import { openCounter } from '../progress.js';
import type { DeployOptions, DeployResult } from './deploy.js';

/** Deploys and tells about it: the part that `bidl deploy` and `bidl test --use_lyngor 1` share. */
export async function runDeploy(
  loaded: LoadedConfig,
  options: Omit<DeployOptions, 'log' | 'onProgress'>,
  output: Output,
): Promise<DeployResult> {
  const { deploy } = await import('./deploy.js');
  const counter = await openCounter('test', output);
  try {
    const result = await deploy(loaded, {
      ...options,
      log: (line) => output.line(line),
      onProgress: counter.at,
    });
    counter.stop();
    output.json(result);
    for (const line of describe(result)) output.line(line);
    return result;
  } finally {
    counter.stop();
  }
}

function describe(result: DeployResult): string[] {
  const { config, target, artifact, samples, top1, fps, latency_ms } = result;
  if (top1 === null) return [`${config}: compiled for ${target}, ${artifact}`];
  const shown = (value: number | null, digits: number) => (value === null ? '-' : value.toFixed(digits));
  const { host_flip_rate, host_flips_unexplained, predictions_differ, max_abs_diff, simulator_equal } =
    result;
  return [
    `${config} on ${target}: top-1 ${top1.toFixed(2)} % on ${samples} samples, ${shown(fps, 1)} frames/s, ` +
      `${shown(latency_ms, 3)} ms a step`,
    `against the host: ${predictions_differ} predictions differ, logits by ${max_abs_diff?.toExponential(1) ?? '-'} at most, ` +
      `${host_flip_rate?.toExponential(1) ?? '-'} of the neurons' decisions (${host_flips_unexplained ?? '-'} beyond rounding)`,
    ...(simulator_equal === null
      ? []
      : [`against the reference executor: ${simulator_equal ? 'equal to the bit' : 'NOT equal'}`]),
  ];
}
