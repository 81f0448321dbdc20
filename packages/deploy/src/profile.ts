import { saveFile } from '@bidl/formats';
import { canonicalJson } from '@bidl/graph';
import { profileGraph, type Profile } from '@bidl/sdk-runtime';

import type { Compiled } from './compile.js';
import { bySteps, groupsOf, joined, type TestSample } from './samples.js';

/** Where the profile of an artifact goes: beside its folder, which holds nothing foreign. */
const profileFile = (folder: string): string => `${folder}.profile.json`;

/** Profiles a compiled network on real samples and writes the profile. */
export async function writeProfile(
  { graph, folder }: Compiled,
  samples: readonly TestSample[],
  batch: number,
): Promise<{ readonly file: string; readonly profile: Profile }> {
  const [{ type }] = graph.inputs;
  const groups = groupsOf(samples, batch).map((group) => {
    const steps = group.map((sample) => bySteps(sample, type.dtype, graph.timesteps));
    return Array.from({ length: graph.timesteps }, (_, t) => [
      joined(steps.map((step) => step[t]?.[0] ?? new Float32Array(0))),
    ]);
  });
  const profile = await profileGraph(graph, groups, { batch });
  const file = profileFile(folder);
  await saveFile(file, new TextEncoder().encode(canonicalJson(profile)));
  return { file, profile };
}
