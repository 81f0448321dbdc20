import type { CompileOptions, DeployOptions } from '@bidl/deploy';
import { InvalidArgumentError, Option, type Command } from 'commander';

import { wholeNumber, type ConfigOptions } from './options.js';

type Mode = '0' | '1' | '2';

/** Options of the commands that compile. */
export interface CompileFlags extends ConfigOptions {
  readonly checkpoint: string;
  readonly target: 'apu' | 'onnx';
  readonly b: number;
  readonly v?: 0 | 1;
  readonly mode?: Mode;
  readonly multinet?: 0 | 1;
  readonly postMode?: number;
  readonly inputType?: 'uint8' | 'float16' | 'float32';
  readonly storage?: 'float32' | 'float16';
  readonly out?: string;
  readonly json?: boolean;
}

/** Options of the commands that run what was compiled. */
export interface DeployFlags extends CompileFlags {
  readonly useLegacy: 0 | 1;
  readonly device: number;
  readonly compare?: number;
  readonly profiler?: boolean;
  readonly c?: boolean;
}

/** 0 or 1, as upstream's tools write switches. */
export function zeroOrOne(text: string): 0 | 1 {
  if (text === '0' || text === '1') return Number(text) as 0 | 1;
  throw new InvalidArgumentError('It must be 0 or 1.');
}

/** What upstream's compiler is told, under upstream's names. `between`: of the words of a name. */
export const chipOptions = (between: '-' | '_' = '-'): Option[] => [
  new Option('--b <number>', 'samples that run together: 1, 2, 4, 7, 14 or 28')
    .argParser(wholeNumber)
    .default(1),
  new Option(
    '--v <0|1>',
    'version of the model format (default: 0; a batch above 1 or --mode 1 needs 1 and gets it)',
  ).argParser(zeroOrOne),
  new Option(
    '--mode <0|1|2>',
    'where states lie: 0 the compiler chooses, 1 on the chip (GLB), 2 beside it (DDR) (default: 0)',
  ).choices(['0', '1', '2']),
  new Option(
    '--multinet <0|1>',
    '1: the states can lie anywhere, so several models can be resident together (default: 0)',
  ).argParser(zeroOrOne),
  new Option(
    `--post${between}mode <number>`,
    'how the chip’s host handles outputs; kept in the artifact for it, the simulator has no use for it',
  ).argParser(wholeNumber),
];

/** Adds what says how a network is compiled. */
export function takesCompile(command: Command): Command {
  command
    .requiredOption('--checkpoint <file>', 'the trained weights (work_dirs/<config>/best.safetensors)')
    .addOption(new Option('--target <name>', 'what to compile for').choices(['apu', 'onnx']).default('apu'));
  for (const option of chipOptions()) command.addOption(option);
  return command
    .addOption(
      new Option(
        '--input-type <type>',
        'how frames are handed in (default: uint8 where the samples fit into bytes, else float32)',
      ).choices(['uint8', 'float16', 'float32']),
    )
    .addOption(
      new Option('--storage <type>', 'how weights and states are kept (default: float32)').choices([
        'float32',
        'float16',
      ]),
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
    )
    .option('--profiler', 'write what every operation takes into <artifact>.profile.json, and show it')
    .option('--c', 'compile only');
}

const MODES = { '0': 'auto', '1': 'glb', '2': 'ddr' } as const;

/** What {@link takesCompile}'s flags mean. */
export const compileOptions = (flags: CompileFlags): CompileOptions => ({
  checkpoint: flags.checkpoint,
  target: flags.target,
  batch: flags.b,
  version: flags.v,
  mode: flags.mode && MODES[flags.mode],
  multinet: flags.multinet === undefined ? undefined : flags.multinet === 1,
  postMode: flags.postMode,
  inputType: flags.inputType,
  storage: flags.storage,
  out: flags.out,
});

/** What {@link takesDeploy}'s flags mean. */
export const deployOptions = (flags: DeployFlags): DeployOptions => ({
  ...compileOptions(flags),
  useLegacy: flags.useLegacy === 1,
  compileOnly: flags.c === true,
  device: flags.device,
  compare: flags.compare,
  profiler: flags.profiler,
});
