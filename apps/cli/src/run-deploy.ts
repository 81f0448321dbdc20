import type { LoadedConfig } from '@bidl/config';
import type { DeployOptions, DeployResult, Profile } from '@bidl/deploy';

import { shortPath, type Output } from './output.js';
import { openCounter } from './progress.js';
import { table } from './table.js';

/** Deploys and tells about it: the part that `bidl deploy` and `bidl test --use_lyngor 1` share. */
export async function runDeploy(loaded: LoadedConfig, options: DeployOptions, output: Output): Promise<void> {
  const { deploy } = await import('@bidl/deploy');
  const counter = await openCounter('test', output);
  let profile: Profile | undefined;
  try {
    const result = await deploy(loaded, {
      ...options,
      log: (line) => output.line(line),
      onProgress: counter.at,
      onProfile: (found) => (profile = found),
    });
    counter.stop();
    output.json(result);
    if (profile) output.line(await profileTable(profile));
    for (const line of describe(result)) output.line(line);
  } finally {
    counter.stop();
  }
}

async function profileTable({
  operations,
  samples,
  steps,
  step_us,
  operations_us,
}: Profile): Promise<string> {
  const rows = operations.map(({ name, layer, op, time_us, share, bytes, activity }) => [
    layer,
    name,
    op,
    time_us.toFixed(1),
    `${(100 * share).toFixed(1)} %`,
    bytes.toLocaleString('en'),
    `${(100 * activity).toFixed(1)} %`,
  ]);
  const head = ['layer', 'operation', 'computes', 'us', 'share', 'bytes', 'active'];
  const about =
    `profile of ${steps} steps (${samples} samples): ${operations_us.toFixed(1)} us one by one, ` +
    `${step_us.toFixed(1)} us a step as the device runs it`;
  return `${await table(head, rows)}\n${about}`;
}

function describe(result: DeployResult): string[] {
  const { config, target, artifact, samples, top1, fps, latency_ms, profile } = result;
  const written = profile === null ? [] : [`profile: ${shortPath(profile)}`];
  if (top1 === null) return [...written, `${config}: compiled for ${target}, ${shortPath(artifact)}`];
  const shown = (value: number | null, digits: number) => (value === null ? '-' : value.toFixed(digits));
  const { host_flip_rate, host_flips_unexplained, predictions_differ, max_abs_diff, simulator_equal } =
    result;
  return [
    ...written,
    `${config} on ${target}: top-1 ${top1.toFixed(2)} % on ${samples} samples, ${shown(fps, 1)} frames/s, ` +
      `${shown(latency_ms, 3)} ms a step`,
    `against the host: ${predictions_differ} predictions differ, logits by ${max_abs_diff?.toExponential(1) ?? '-'} at most, ` +
      `${host_flip_rate?.toExponential(1) ?? '-'} of the neurons' decisions (${host_flips_unexplained ?? '-'} beyond rounding)`,
    ...(simulator_equal === null
      ? []
      : [`against the reference executor: ${simulator_equal ? 'equal to the bit' : 'NOT equal'}`]),
  ];
}
