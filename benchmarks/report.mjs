#!/usr/bin/env node
// report.mjs FILE...: docs/performance.md and its plot from what `npm run bench -- ... --json` wrote on this machine. Of lines
// about the same thing the last one counts.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { machine } from './lib/machine.mjs';
import { ratioPlot } from './lib/plot.mjs';

const DOCS = new URL('../docs/', import.meta.url);

const lines = new Map();
for (const file of process.argv.slice(2)) {
  for (const text of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const line = JSON.parse(text);
    lines.set([line.name, line.mode, line.form, line.peer, line.at].join(' '), line);
  }
}
if (lines.size === 0) {
  console.error('report: name files of `npm run bench -- NAME... --peers --json > FILE`');
  process.exit(2);
}
const all = [...lines.values()];
const named = (pattern) => all.filter(({ name }) => pattern.test(name));

const number = (digits) => (value) => value.toFixed(digits);
const ms = number(1);
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const times = (value) => `${value.toFixed(2)}x`;

/** A table of what the lines have; nothing where there are no lines. */
function table(heading, found, columns) {
  if (found.length === 0) return '';
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const head = [row(Object.keys(columns)), row(Object.keys(columns).map(() => '---'))];
  return [
    `## ${heading}`,
    '',
    ...head,
    ...found.map((line) => row(Object.values(columns).map((of) => of(line)))),
    '',
  ].join('\n');
}

const compared = {
  what: ({ name }) => name,
  mode: ({ mode }) => mode,
  'ours, ms': ({ ours_ms }) => ms(ours_ms),
  peer: ({ peer }) => peer,
  'peer, ms': ({ peer_ms }) => ms(peer_ms),
  ratio: ({ ratio }) => `**${times(ratio)}**`,
  'best of ours, of the peer': ({ ours_best_ms, peer_best_ms }) => `${ms(ours_best_ms)}, ${ms(peer_best_ms)}`,
};
const swept = {
  what: ({ name, mode }) => `${name.slice('sweep-'.length)} (${mode})`,
  at: ({ at }) => at,
  'not zero before clif1, clif2, clif3, head': ({ activity }) =>
    activity.map((share) => percent(share)).join(', '),
  'ours, ms': compared['ours, ms'],
  peer: compared.peer,
  'peer, ms': compared['peer, ms'],
  ratio: compared.ratio,
};

const withPeer = all.filter(({ peer, ratio }) => peer !== undefined && ratio !== undefined);
const plotted = withPeer.filter(({ name }) => /^(train-step|infer|resnet18|lif)/.test(name));
writeFileSync(new URL('performance.svg', DOCS), await ratioPlot(plotted));

const sections = [
  table(
    'Networks: training step and inference',
    withPeer.filter(({ name }) => /^(train-step|infer|resnet18-.*)$/.test(name)),
    compared,
  ),
  table(
    'LIF layers, with a linear layer (`lif-fc-<n>`) and alone (`lif-<n>`)',
    withPeer.filter(({ name }) => /^lif/.test(name)),
    compared,
  ),
  table(
    'Sweeps of the training step',
    named(/^sweep-/).filter(({ activity }) => activity),
    swept,
  ),
  table(
    'Peak memory of a training step',
    named(/^memory$/).filter(({ peer }) => peer),
    {
      mode: ({ mode }) => mode,
      memory: ({ form }) => `\`${form}\``,
      'step, times `full`': ({ time }) => number(2)(time),
      'ours, MB': ({ ours_mb }) => number(0)(ours_mb),
      peer: ({ peer }) => peer,
      'peer, MB': ({ peer_mb }) => number(0)(peer_mb),
      'ours of the peer': ({ share }) => percent(share),
    },
  ),
  table(
    'Loader: N-MNIST files to batches of frames',
    named(/^loader$/).filter(({ peer }) => peer),
    {
      workers: ({ mode }) => mode.replace('workers-', ''),
      'ours, frames/s': ({ ours_fps }) => number(0)(ours_fps),
      peer: ({ peer }) => peer,
      'peer, frames/s': ({ peer_fps }) => number(0)(peer_fps),
      ratio: compared.ratio,
    },
  ),
  table('Waiting for data', named(/^loader-wait$/), {
    mode: ({ mode }) => mode,
    'step, ms': ({ step_ms }) => ms(step_ms),
    'waits, ms': ({ wait_ms }) => number(2)(wait_ms),
    share: ({ share }) => percent(share),
    goal: ({ limit }) => `below ${percent(limit)}`,
  }),
  table('Start-up', named(/^startup-/), {
    what: ({ name }) =>
      ({ 'startup-help': '`bidl --help`', 'startup-first-step': '`bidl train` to its first step' })[name],
    'median, ms': (line) => number(0)(line.ms),
    'best, ms': ({ best_ms }) => number(0)(best_ms),
    'goal, ms': ({ limit_ms }) => limit_ms,
  }),
];
const template = readFileSync(new URL('lib/performance.template.md', import.meta.url), 'utf8');
const page = template
  .replace('<!-- machine -->', (await machine()).map((fact) => `- ${fact}`).join('\n'))
  .replace('<!-- tables -->', sections.filter(Boolean).join('\n').trimEnd());
const path = fileURLToPath(new URL('performance.md', DOCS));
writeFileSync(path, await format(page, { ...(await resolveConfig(path)), filepath: path }));
console.log(`report: ${path}, ${all.length} figures`);
