import { readFileSync } from 'node:fs';

import { Command } from 'commander';

import { compileCommand } from './commands/compile.js';
import { configsCommand } from './commands/configs.js';
import { datasetsCommand } from './commands/datasets.js';
import { deployCommand } from './commands/deploy.js';
import { engineCommand } from './commands/engine.js';
import { importCommand } from './commands/import.js';
import { predictCommand } from './commands/predict.js';
import { testCommand } from './commands/test.js';
import { trainCommand } from './commands/train.js';
import { missLater } from './options.js';

const COMMANDS = [
  trainCommand,
  testCommand,
  compileCommand,
  deployCommand,
  predictCommand,
  importCommand,
  configsCommand,
  datasetsCommand,
  engineCommand,
];

/**
 * The whole command tree. Defining it loads nothing but commander: what a command needs it imports when it runs, so
 * `bidl --help` stays quick.
 */
export function createProgram(): Command {
  const program = new Command('bidl')
    .description('Construct, train, test and deploy spiking neural networks.')
    .version(version(), '-V, --version', 'print the version')
    .option('--debug', 'print stack traces of errors (also: BIDL_DEBUG=1)')
    .showHelpAfterError('(bidl --help shows what there is)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  program.hook('preAction', (_, action) => {
    if (action.optsWithGlobals<{ debug?: boolean }>().debug) process.env['BIDL_DEBUG'] = '1';
  });
  for (const make of COMMANDS) {
    program.addCommand(inherit(make(), program));
  }
  return program;
}

/** Commands made apart take their parent's settings only when told to; so do theirs. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent).exitOverride().allowExcessArguments(false);
  missLater(command);
  for (const child of command.commands) inherit(child, command);
  return command;
}

function version(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
