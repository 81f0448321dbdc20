import type { MappingReport } from './report.js';

const SHOWN = 10;

const shapeOf = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** The differences that keep weights out of a network, some of each kind. */
export function describeProblems({ missing, unused, misshapen }: MappingReport): string {
  const lines = [
    some(
      'missing in the file',
      missing.map(
        ({ name, shape, nearest }) =>
          `${name} (in PyTorch ${shapeOf(shape)}${nearest === undefined ? '' : `; the file has ${nearest}`})`,
      ),
    ),
    some(
      'unexpected in the file',
      unused.map(({ key, shape }) => `${key} ${shapeOf(shape)}`),
    ),
    some(
      'of another shape',
      misshapen.map(
        ({ key, name, file, network }) =>
          `${key} (file ${shapeOf(file)}, network ${shapeOf(network)} for ${name})`,
      ),
    ),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function some(what: string, entries: readonly string[]): string {
  if (entries.length === 0) return '';
  const more = entries.length > SHOWN ? `\n    and ${entries.length - SHOWN} more` : '';
  return `  ${entries.length} ${what}:\n    ${entries.slice(0, SHOWN).join('\n    ')}${more}`;
}
