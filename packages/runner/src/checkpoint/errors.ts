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
  ) {
    const { missing, unexpected, misshapen } = difference;
    const lines = [
      some('missing in the file', missing),
      some('unexpected in the file', unexpected),
      some(
        'of another shape',
        misshapen.map((m) => `${m.name} (file [${m.file.join(', ')}], network [${m.network.join(', ')}])`),
      ),
    ].filter((line) => line !== '');
    super(
      `${path}: this checkpoint belongs to another network.\n${lines.join('\n')}\n` +
        'Use the config it was trained with (it is stored in the checkpoint and in config.json beside it), ' +
        'or give the checkpoint of this config.',
    );
  }
}

const SHOWN = 10;

function some(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : '';
  return `  ${names.length} ${what}: ${names.slice(0, SHOWN).join(', ')}${more}`;
}
