import { Command, Option } from 'commander';

import { interruptSignal } from '../interrupt.js';
import { configNamed, loadRun } from '../load-run.js';
import { wholeNumber } from '../options.js';
import { openOutput } from '../output.js';
import { table } from '../table.js';

interface Flags {
  readonly checkpoint: string;
  readonly cfgOptions?: readonly string[];
  readonly on: 'host' | 'device';
  readonly device: number;
  readonly json?: boolean;
}

/** `bidl predict CONFIG --checkpoint FILE INPUT...`: classifies recordings. */
export const predictCommand = (): Command =>
  new Command('predict')
    .description('classify recordings with a trained network')
    .argument('<config>', 'name or path of a config (bidl configs list)')
    .argument(
      '<input...>',
      'recordings: event files as the config’s test pipeline reads them, or .npy arrays',
    )
    .requiredOption('--checkpoint <file>', 'the trained weights (work_dirs/<config>/best.safetensors)')
    .option('--cfg-options <key=value...>', 'change the config')
    .addOption(new Option('--on <where>', 'where it runs').choices(['host', 'device']).default('host'))
    .option('--device <number>', 'with --on device: which, from 0', wholeNumber, 0)
    .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
    .action(run);

async function run(config: string, inputs: readonly string[], flags: Flags): Promise<void> {
  const output = openOutput(flags);
  const signal = interruptSignal();
  const loaded = await loadRun(configNamed(config, undefined), flags.cfgOptions);
  const { predict } = await import('@bidl/deploy');
  const { on, device, checkpoint } = flags;
  const log = (line: string): void => output.line(line);
  const found = await predict(loaded, inputs, { checkpoint, on, device, log, signal });
  output.json({ config: loaded.name, checkpoint, on, predictions: found });
  const rows = found.map(({ file, name, confidence, second }) => [
    file,
    name,
    `${(100 * confidence).toFixed(1)} %`,
    second,
  ]);
  output.line(await table(['input', 'class', 'confidence', 'next'], rows));
}
