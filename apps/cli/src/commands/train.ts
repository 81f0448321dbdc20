import { Command } from 'commander';

import { interruptSignal } from '../interrupt.js';
import { configNamed, loadRun } from '../load-run.js';
import { takesConfig, wholeNumber, type ConfigOptions } from '../options.js';
import { openOutput, shortPath as here } from '../output.js';
import { clock, openProgress } from '../progress.js';

interface Options extends ConfigOptions {
  readonly workDir?: string;
  readonly resumeFrom?: string;
  readonly loadFrom?: string;
  readonly validate: boolean;
  readonly seed?: number;
  readonly deterministic?: boolean;
  readonly json?: boolean;
}

/** `bidl train CONFIG`: trains the network of a config. */
export const trainCommand = (): Command =>
  takesConfig(new Command('train').description('train the network of a config'))
    .option('--work-dir <folder>', 'where logs and checkpoints go (default: work_dirs/<config>)')
    .option('--resume-from <file>', 'continue an interrupted run from its checkpoint')
    .option('--load-from <file>', 'start from the weights of a checkpoint')
    .option('--no-validate', 'do not evaluate on the validation split after each epoch')
    .option('--seed <number>', 'seed of everything random', wholeNumber)
    .option('--deterministic', 'ask for repeatable kernels where there is a choice')
    .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
    .action(run);

async function run(argument: string | undefined, options: Options): Promise<void> {
  const { config: option, cfgOptions, json, ...how } = options;
  const name = configNamed(argument, option);
  const output = openOutput({ json });
  const signal = interruptSignal();
  const loaded = await loadRun(name, cfgOptions);
  const { train } = await import('@bidl/runner');
  const progress = await openProgress(output);
  try {
    const { best, bestEpoch, top1, latest, workDir, epochs, seconds } = await train(loaded, {
      ...how,
      signal,
      reporter: progress.reporter,
    });
    progress.stop();
    output.json({ config: loaded.name, workDir, latest, best, bestEpoch, top1, epochs, seconds });
    output.line(`Trained ${epochs} epochs in ${clock(seconds)}; everything is in ${here(workDir)}`);
    if (best !== undefined)
      output.line(`Best on validation: top-1 ${top1?.toFixed(2)} % (epoch ${bestEpoch}), ${here(best)}`);
    output.line(`Next: bidl test ${name} --checkpoint ${here(best ?? latest)}`);
  } finally {
    progress.stop();
  }
}
