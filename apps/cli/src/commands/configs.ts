import { Command } from 'commander';

import { configNamed, configRoots, loadRun } from '../load-run.js';
import { takesConfig, type ConfigOptions } from '../options.js';
import { openOutput, shortPath } from '../output.js';
import { table } from '../table.js';

/** `bidl configs list|show`. */
export const configsCommand = (): Command =>
  new Command('configs')
    .description('find and read configs')
    .addCommand(
      new Command('list')
        .description('every config below configs/')
        .option('--json', 'as one JSON line')
        .action(list),
    )
    .addCommand(
      takesConfig(
        new Command('show').description('a config as JSON: bases, overrides and defaults resolved'),
      ).action(show),
    );

async function list(options: { json?: boolean }): Promise<void> {
  const output = openOutput(options);
  const { listConfigs, parseConfigName } = await import('@bidl/config');
  const found = listConfigs([process.cwd(), ...configRoots()]).map((config) => {
    const said = parseConfigName(config.name);
    return { ...config, model: said?.model ?? '', data: said?.data ?? '' };
  });
  output.json(found);
  if (output.wantsJson) return;
  const rows = found.map(({ name, model, data, path: file }) => [name, model, data, shortPath(file)]);
  output.line(await table(['config', 'model', 'data', 'file'], rows));
}

async function show(argument: string | undefined, options: ConfigOptions): Promise<void> {
  const name = configNamed(argument, options.config);
  const { config } = await loadRun(name, options.cfgOptions);
  process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
}
