import { Command, Option } from 'commander';

import { chipOptions, deployOptions, zeroOrOne, type CompileFlags } from '../deploy-options.js';
import { UsageError } from '../failure.js';
import { interruptSignal } from '../interrupt.js';
import { configNamed, loadRun } from '../load-run.js';
import { takesConfig, wholeNumber, type ConfigOptions } from '../options.js';
import { openOutput } from '../output.js';
import { openProgress } from '../progress.js';
import { runDeploy } from '../run-deploy.js';

interface Flags extends ConfigOptions, Pick<CompileFlags, 'b' | 'v' | 'mode' | 'multinet'> {
  readonly checkpoint: string;
  readonly use_lyngor: 0 | 1;
  readonly use_legacy: 0 | 1;
  readonly post_mode?: number;
  readonly device: number;
  readonly profiler?: boolean;
  readonly c?: boolean;
  readonly json?: boolean;
}

/** What needs `--use_lyngor 1`, as upstream spells it. */
const onChip = (): Option[] => [
  new Option('--use_legacy <0|1>', 'use the artifact that is there').argParser(zeroOrOne).default(0),
  ...chipOptions('_'),
  new Option('--device <number>', 'device, from 0').argParser(wholeNumber).default(0),
  new Option('--profiler', 'write and show what every operation takes'),
  new Option('--c', 'compile only'),
];

/** `bidl test CONFIG --checkpoint FILE`: accuracy and speed on the test split, on the host or on a device. */
export function testCommand(): Command {
  const command = takesConfig(
    new Command('test').description('measure accuracy and speed of a trained network'),
  )
    .requiredOption('--checkpoint <file>', 'the trained weights (work_dirs/<config>/best.safetensors)')
    .option('--use_lyngor <0|1>', '1: compile and run on a simulated device, as bidl deploy', zeroOrOne, 0)
    .option('--json', 'print the result as one JSON line on stdout, everything else on stderr');
  for (const option of onChip()) {
    option.description = `with --use_lyngor 1: ${option.description}`;
    command.addOption(option);
  }
  return command.action(run);
}

async function run(argument: string | undefined, flags: Flags, command: Command): Promise<void> {
  const name = configNamed(argument, flags.config);
  if (flags.use_lyngor === 0) {
    const given = onChip().find((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
    if (given)
      throw new UsageError(`${given.long} needs --use_lyngor 1: without it the test runs on the host`);
  }
  const output = openOutput(flags);
  const signal = interruptSignal();
  const loaded = await loadRun(name, flags.cfgOptions);
  if (flags.use_lyngor === 1) {
    const { use_legacy: useLegacy, post_mode: postMode, ...rest } = flags;
    await runDeploy(
      loaded,
      { ...deployOptions({ ...rest, target: 'apu', useLegacy, postMode }), signal },
      output,
    );
    return;
  }
  const { test } = await import('@bidl/runner');
  const progress = await openProgress(output);
  try {
    const result = await test(loaded, {
      checkpoint: flags.checkpoint,
      signal,
      reporter: progress.reporter,
    });
    progress.stop();
    const { config, checkpoint, samples, top1, top5, fps, engine } = result;
    output.json({ config, checkpoint, samples, top1, top5, fps, engine: engine.backend });
    output.line(
      `${config}: top-1 ${top1.toFixed(2)} %, top-5 ${top5.toFixed(2)} % on ${samples} samples, ` +
        `${fps.toFixed(1)} frames/s (${engine.backend}, ${engine.device})`,
    );
  } finally {
    progress.stop();
  }
}
