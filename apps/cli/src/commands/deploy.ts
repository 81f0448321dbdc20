import { Command } from 'commander';

import { deployOptions, takesDeploy, type DeployFlags } from '../deploy-options.js';
import { interruptSignal } from '../interrupt.js';
import { configNamed, loadRun } from '../load-run.js';
import { takesConfig } from '../options.js';
import { openOutput } from '../output.js';
import { runDeploy } from '../run-deploy.js';

/** `bidl deploy CONFIG --checkpoint FILE`: compiles, runs the test set on the target, compares with the host. */
export const deployCommand = (): Command => {
  const command = new Command('deploy').description(
    'compile a trained network, run the test set on a simulated device, compare with the host',
  );
  return takesDeploy(takesConfig(command))
    .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
    .action(run);
};

async function run(argument: string | undefined, flags: DeployFlags): Promise<void> {
  const name = configNamed(argument, flags.config);
  const output = openOutput(flags);
  const signal = interruptSignal();
  const loaded = await loadRun(name, flags.cfgOptions);
  await runDeploy(loaded, { ...deployOptions(flags), signal }, output);
}
