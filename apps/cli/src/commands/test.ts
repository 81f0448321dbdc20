import { Command } from 'commander';

import { deployOptions, zeroOrOne } from '../deploy/options.js';
import { interruptSignal } from '../interrupt.js';
import { configNamed, loadRun } from '../load-run.js';
import { takesConfig, type ConfigOptions } from '../options.js';
import { openOutput } from '../output.js';
import { openProgress } from '../progress.js';

interface Options extends ConfigOptions {
  readonly checkpoint: string;
  /** Upstream's switches: 1 runs the test set on a device, as `bidl deploy` does. */
  readonly use_lyngor: 0 | 1;
  readonly use_legacy: 0 | 1;
  readonly json?: boolean;
}

/** `bidl test CONFIG --checkpoint FILE`: accuracy and speed on the test split. */
export const testCommand = (): Command =>
  takesConfig(new Command('test').description('measure accuracy and speed of a trained network'))
    .requiredOption('--checkpoint <file>', 'the trained weights (work_dirs/<config>/best.safetensors)')
    .option('--use_lyngor <0|1>', '1: compile and run on a simulated device, as bidl deploy', zeroOrOne, 0)
    .option('--use_legacy <0|1>', 'with --use_lyngor 1: use the artifact that is there', zeroOrOne, 0)
    .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
    .action(run);

/** What `bidl deploy` has options for. */
const ON_CHIP = { target: 'apu', b: 1, storage: 'float32', device: 0 } as const;

async function run(argument: string | undefined, options: Options): Promise<void> {
  const name = configNamed(argument, options.config);
  const output = openOutput(options);
  const signal = interruptSignal();
  const loaded = await loadRun(name, options.cfgOptions);
  if (options.use_lyngor === 1) {
    const { runDeploy } = await import('../deploy/run.js');
    const flags = { checkpoint: options.checkpoint, useLegacy: options.use_legacy, ...ON_CHIP };
    await runDeploy(loaded, { ...deployOptions(flags), signal }, output);
    return;
  }
  const { test } = await import('@bidl/runner');
  const progress = await openProgress(output);
  try {
    const result = await test(loaded, {
      checkpoint: options.checkpoint,
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
