import { InvalidArgumentError, Option, type Command } from 'commander';

import { wholeNumber, type ConfigOptions } from '../options.js';
import type { DeployOptions } from './deploy.js';

/** Options of the commands that compile. */
export interface CompileFlags extends ConfigOptions {
  readonly checkpoint: string;
  readonly target: 'apu' | 'onnx';
  readonly b: number;
  readonly inputType?: 'uint8' | 'float16' | 'float32';
  readonly storage: 'float32' | 'float16';
  readonly out?: string;
  readonly json?: boolean;
}

/** Options of the commands that run what was compiled. */
export interface DeployFlags extends CompileFlags {
  readonly useLegacy: 0 | 1;
  readonly device: number;
  readonly compare?: number;
  readonly c?: boolean;
}

/** 0 or 1, as upstream's tools write switches. */
export function zeroOrOne(text: string): 0 | 1 {
  if (text === '0' || text === '1') return Number(text) as 0 | 1;
  throw new InvalidArgumentError('It must be 0 or 1.');
}

/** Adds what says how a network is compiled. */
export function takesCompile(command: Command): Command {
  return command
    .requiredOption('--checkpoint <file>', 'the trained weights (work_dirs/<config>/best.safetensors)')
    .addOption(new Option('--target <name>', 'what to compile for').choices(['apu', 'onnx']).default('apu'))
    .option('--b <number>', 'samples that run together: 1, 2, 4, 7, 14 or 28', wholeNumber, 1)
    .addOption(
      new Option(
        '--input-type <type>',
        'how frames are handed in (default: uint8 where the samples fit into bytes, else float32)',
      ).choices(['uint8', 'float16', 'float32']),
    )
    .addOption(
      new Option('--storage <type>', 'how weights and states are kept')
        .choices(['float32', 'float16'])
        .default('float32'),
    )
    .option('--out <folder>', 'the artifact’s folder (default: model_files/classification/<Name>)');
}

/** Adds what says how a compiled network is run. */
export function takesDeploy(command: Command): Command {
  return takesCompile(command)
    .option('--use-legacy <0|1>', '1: use the artifact that is there', zeroOrOne, 0)
    .option('--device <number>', 'device, from 0', wholeNumber, 0)
    .option(
      '--compare <samples>',
      'samples to compare with the host layer by layer (default: all)',
      wholeNumber,
    );
}

/** Adds switches of upstream's tools that are understood and change nothing here. */
export function takesUpstream(command: Command): Command {
  const none = 'of upstream’s tools; no effect here';
  return command
    .option('--v <0|1>', `compiler version ${none}`, zeroOrOne)
    .addOption(new Option('--mode <0|1|2>', `where states lie: ${none}`).choices(['0', '1', '2']))
    .option('--multinet <0|1>', `several networks at once: always possible here`, zeroOrOne)
    .option('--post-mode <number>', `output handling ${none}`, wholeNumber)
    .option('--profiler', `${none}; --print of bidl compile shows what each layer costs`);
}

/** What {@link takesDeploy}'s flags mean. */
export const deployOptions = (flags: DeployFlags): Omit<DeployOptions, 'log' | 'onProgress' | 'signal'> => ({
  checkpoint: flags.checkpoint,
  target: flags.target,
  useLegacy: flags.useLegacy === 1,
  batch: flags.b,
  storage: flags.storage,
  compileOnly: flags.c === true,
  device: flags.device,
  ...(flags.inputType && { inputType: flags.inputType }),
  ...(flags.out !== undefined && { out: flags.out }),
  ...(flags.compare !== undefined && { compare: flags.compare }),
});
