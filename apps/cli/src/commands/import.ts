import { Command, InvalidArgumentError, Option } from 'commander';
import type { MappingReport } from '@bidl/interop';

import { configNamed, loadRun } from '../load-run.js';
import { openOutput, shortPath } from '../output.js';
import { table } from '../table.js';

interface Flags {
  readonly config: string;
  readonly cfgOptions?: readonly string[];
  readonly out?: string;
  readonly report?: boolean;
  readonly strict: boolean;
  readonly sampleShape?: readonly number[];
  readonly json?: boolean;
}

/** `bidl import FILE --config CONFIG`: writes weights of another framework as a checkpoint of ours. */
export const importCommand = (): Command =>
  new Command('import')
    .description('turn weights of another framework into a checkpoint')
    .argument('<file>', 'the foreign weights (latest.pth)')
    .addOption(new Option('--from <format>', 'what they are').choices(['pth']).default('pth'))
    .requiredOption('--config <name>', 'name or path of the config of their network (bidl configs list)')
    .option('--cfg-options <key=value...>', 'change the config')
    .option('--out <file>', 'where the checkpoint goes (default: beside the file, .safetensors)')
    .option('--report', 'show what became of every key')
    .option('--no-strict', 'take what fits; weights that the file lacks keep their start')
    .option('--sample-shape <T,H,W,C>', 'shape of a sample, where the data are not here', sizes)
    .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
    .action(run);

async function run(file: string, flags: Flags): Promise<void> {
  const name = configNamed(flags.config, undefined);
  const output = openOutput(flags);
  const loaded = await loadRun(name, flags.cfgOptions);
  const { importCheckpoint } = await import('@bidl/runner');
  const { out, strict, sampleShape } = flags;
  const warn = (line: string) => output.line(line);
  const { out: written, report } = await importCheckpoint(loaded, { file, out, strict, sampleShape, warn });
  output.json({ config: loaded.name, file, out: written, ...report });
  if (flags.report) output.line(await tableOf(report));
  const { mapped, ignored, unused, missing } = report;
  const left = [
    `${mapped.length} weights taken`,
    `${ignored.length} keys of no use here`,
    ...(unused.length > 0 ? [`${unused.length} keys left over`] : []),
    ...(missing.length > 0 ? [`${missing.length} weights keep their start`] : []),
  ];
  output.line(`${shortPath(written)}: ${left.join(', ')}`);
  output.line(`Next: bidl test ${name} --checkpoint ${shortPath(written)}`);
}

/** One row for each key of the file and each weight that it lacks. */
function tableOf({ mapped, ignored, unused, missing }: MappingReport): Promise<string> {
  const shape = (sizes: readonly number[]) => `[${sizes.join(', ')}]`;
  return table(
    ['key', 'shape', 'weight', 'shape', ''],
    [
      ...mapped.map((m) => [m.from, shape(m.fromShape), m.to, shape(m.toShape), m.turned]),
      ...ignored.map((key) => [key, '', '-', '', 'of no use here']),
      ...unused.map(({ key, shape: sizes }) => [key, shape(sizes), '-', '', 'left over']),
      ...missing.map(({ name, shape: sizes }) => ['-', shape(sizes), name, '', 'keeps its start']),
    ],
  );
}

function sizes(text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (!numbers.every((n) => Number.isSafeInteger(n) && n > 0) || numbers.length < 2)
    throw new InvalidArgumentError('It must be whole numbers above 0 with commas between them: 10,32,32,2');
  return numbers;
}
