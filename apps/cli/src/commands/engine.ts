import { Command, Option } from 'commander';
import type { Device } from '@bidl/engine';

import { openOutput } from '../output.js';
import { openCounter } from '../progress.js';

/** `bidl engine install|doctor`. */
export const engineCommand = (): Command =>
  new Command('engine')
    .description('set up and examine the tensor engine')
    .addCommand(
      new Command('install')
        .description('put TensorFlow under tfjs-node and build the spike ops; does only what is missing')
        .addOption(
          new Option('--device <device>', 'what to compute on').choices(['cpu', 'gpu']).default('cpu'),
        )
        .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
        .action(install),
    )
    .addCommand(
      new Command('doctor')
        .description('what is there, what is missing, and the remedy; exit code 1 when something is missing')
        .addOption(device())
        .option('--json', 'as one JSON line')
        .action(doctor),
    );

const device = (): Option =>
  new Option('--device <device>', 'what to compute on').choices(['cpu', 'gpu']).default('cpu');

async function install({ device, json }: { device: Device; json?: boolean }): Promise<void> {
  const output = openOutput({ json });
  const { installEngine } = await import('@bidl/engine');
  const counter = process.stderr.isTTY ? await openCounter('TensorFlow (MB)', output) : undefined;
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  const result = await installEngine({
    device,
    log: (line) => output.line(line),
    ...(counter && {
      progress: ({ done, total }) => {
        if (total !== undefined) counter.at(megabytes(done), megabytes(total));
        if (done === total) counter.stop();
      },
    }),
  }).finally(() => counter?.stop());
  output.json(result);
  output.line(
    result.changed
      ? `The engine is ready (${result.device}).`
      : `The engine was ready (${result.device}): nothing to do.`,
  );
}

async function doctor({ device, json }: { device: Device; json?: boolean }): Promise<void> {
  const output = openOutput({ json });
  const engine = await import('@bidl/engine');
  const report = await engine.doctor({ device });
  output.json(report);
  output.line(engine.formatReport(report));
  if (!report.ok) process.exitCode = 1;
}
