import { InvalidArgumentError, Option, type Command } from 'commander';

/** A whole number from 0 on. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  }
  return Number(text);
}

/** The options of every command that takes a config. */
export interface ConfigOptions {
  readonly config?: string;
  readonly cfgOptions?: readonly string[];
}

/** Adds `[config]`, `--config` and `--cfg-options`. */
export function takesConfig(command: Command): Command {
  return command
    .argument('[config]', 'name or path of a config (bidl configs list)')
    .addOption(new Option('--config <name>', "the same, in upstream's spelling").hideHelp())
    .option(
      '--cfg-options <key=value...>',
      'change the config: data.samples_per_gpu=8 model.backbone.noise=0.1',
    );
}

/**
 * Has required options missed only once those that nobody knows were named; commander does it the other way round, and a
 * misspelt option is never answered with the right one.
 */
export function missLater(command: Command): void {
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    option.makeOptionMandatory(false);
    command.hook('preAction', () => {
      if (command.getOptionValue(option.attributeName()) !== undefined) return;
      command.error(`error: required option '${option.flags}' not specified`);
    });
  }
}
