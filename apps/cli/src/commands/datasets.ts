import { existsSync } from 'node:fs';
import path from 'node:path';

import { Command } from 'commander';
import type { MakeOptions } from '@bidl/datasets';

import { UsageError } from '../failure.js';
import { interruptSignal } from '../interrupt.js';
import { wholeNumber } from '../options.js';
import { openOutput, shortPath } from '../output.js';
import { openCounter } from '../progress.js';
import { table } from '../table.js';

/** `bidl datasets list|make`. */
export const datasetsCommand = (): Command =>
  new Command('datasets')
    .description('find and make data sets')
    .addCommand(
      new Command('list')
        .description('data sets that are known by name, and how to get them')
        .option('--json', 'as one JSON line')
        .action(list),
    )
    .addCommand(
      new Command('make')
        .description('make a data set here')
        .argument('<name>', 'name of the data set (bidl datasets list)')
        .option('--out <folder>', 'where it goes (default: data/<name>)')
        .option('--seed <number>', 'seed of everything random', wholeNumber)
        .option('--limit <number>', 'make only so many samples', wholeNumber)
        .option('--workers <number>', 'threads (default: one per core)', wholeNumber)
        .option('--json', 'print the result as one JSON line on stdout, everything else on stderr')
        .action(make),
    );

async function list(options: { json?: boolean }): Promise<void> {
  const output = openOutput(options);
  const { catalogue } = await import('@bidl/datasets');
  const known = catalogue.map(({ make: maker, ...info }) => ({
    ...info,
    here: existsSync(path.join('data', info.name)),
    makeable: maker !== undefined,
  }));
  output.json(known);
  if (output.wantsJson) return;
  const rows = known.map(({ name, type, samples, here, get }) => [
    name,
    type,
    Object.entries(samples)
      .map(([split, count]) => `${split} ${count}`)
      .join(', '),
    here ? `here: data/${name}` : get,
  ]);
  output.line(await table(['name', 'type', 'samples', 'how to get it'], rows));
}

interface Options extends Omit<MakeOptions, 'signal' | 'onProgress'> {
  readonly out?: string;
  readonly json?: boolean;
}

async function make(name: string, { out, json, ...how }: Options): Promise<void> {
  const output = openOutput({ json });
  const signal = interruptSignal();
  const [{ catalogue }, { nearest, didYouMean }] = await Promise.all([
    import('@bidl/datasets'),
    import('@bidl/registry'),
  ]);
  const info = catalogue.find((known) => known.name === name);
  if (!info) {
    const names = catalogue.map((known) => known.name);
    const [near] = nearest(name, names);
    throw new UsageError(
      `no data set is called "${name}".${didYouMean(near) || ` There are: ${names.join(', ')}.`}`,
    );
  }
  if (!info.make) throw new UsageError(`"${name}" can't be made, only fetched: ${info.get}`);
  const counter = await openCounter(name, output);
  try {
    const { folder, made } = await info.make(out ?? path.join('data', name), {
      ...how,
      signal,
      onProgress: counter.at,
    });
    counter.stop();
    const where = shortPath(folder);
    output.json({ name, folder, made });
    output.line(made ? `${name} is ready in ${where}` : `${name} is in ${where} already`);
  } finally {
    counter.stop();
  }
}
