import type { WeightMappingError } from '@bidl/interop';

/** A checkpoint can't be read, does not fit the network, or can't be written. */
export class CheckpointError extends Error {
  override readonly name: string = 'CheckpointError';
}

/** How the weights in a file differ from a network's. */
export interface WeightDifference {
  /** In the network, not in the file. */
  readonly missing: readonly string[];
  /** In the file, not in the network. */
  readonly unexpected: readonly string[];
  /** In both, of different shape. */
  readonly misshapen: readonly {
    readonly name: string;
    readonly file: readonly number[];
    readonly network: readonly number[];
  }[];
}

/** The checkpoint is one of another network. */
export class CheckpointMismatchError extends CheckpointError {
  override readonly name = 'CheckpointMismatchError';

  constructor(
    path: string,
    readonly difference: WeightDifference,
    { lines = describe(difference), remedy = REMEDY, cause }: MismatchOptions = {},
  ) {
    super(`${path}: this checkpoint belongs to another network.\n${lines}\n${remedy}`, { cause });
  }

  /** The same of a PyTorch checkpoint, whose keys have names and shapes of their own. */
  static ofTorch(path: string, cause: WeightMappingError): CheckpointMismatchError {
    const { missing, unused, misshapen } = cause.report;
    const difference = {
      missing: missing.map(({ name }) => name),
      unexpected: unused.map(({ key }) => key),
      misshapen: misshapen.map(({ key, file, network }) => ({ name: key, file, network })),
    };
    const [, ...lines] = cause.message.split('\n');
    return new CheckpointMismatchError(path, difference, {
      lines: lines.join('\n'),
      remedy: TORCH_REMEDY,
      cause,
    });
  }
}

interface MismatchOptions {
  readonly lines?: string;
  readonly remedy?: string;
  readonly cause?: unknown;
}

const REMEDY =
  'Use the config it was trained with (it is stored in the checkpoint and in config.json beside it), ' +
  'or give the checkpoint of this config.';
const TORCH_REMEDY =
  'Use the config of the network that these weights are of: its backbone, nclass, soma_params, and the size of the samples.';

function describe({ missing, unexpected, misshapen }: WeightDifference): string {
  const lines = [
    some('missing in the file', missing),
    some('unexpected in the file', unexpected),
    some(
      'of another shape',
      misshapen.map((m) => `${m.name} (file [${m.file.join(', ')}], network [${m.network.join(', ')}])`),
    ),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

const SHOWN = 10;

function some(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : '';
  return `  ${names.length} ${what}: ${names.slice(0, SHOWN).join(', ')}${more}`;
}
