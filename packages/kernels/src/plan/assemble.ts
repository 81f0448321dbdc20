import {
  alignTo,
  ELEMENT_OPS,
  floatBits,
  FORMATS,
  INSTRUCTIONS,
  listWords,
  type Operand,
  operandWords,
  Pool,
  VECTOR,
  VERSION,
  windowWords,
} from './code.js';
import { fuseNeurons } from './fuse.js';
import { type PlanField, type PlanGraph, type PlanProgram, sizeOf } from './graph.js';
import type { Group, Instruction, Instructions, Value } from './instructions.js';
import { keepSums, markEscapes, placeArena, placeTemporaries } from './places.js';
import { joinedToPrevious } from './stages.js';
import { attachTails } from './tails.js';

interface Fields {
  readonly fields: readonly PlanField[];
  readonly bytes: number;
}

/** A graph as instructions over values that have no place yet. */
export interface Lowered extends Instructions {
  readonly graph: PlanGraph;
  readonly inputs: Fields;
  readonly outputs: Fields;
  readonly states: Fields;
  readonly weights: Pool;
}

/** Gives every value its place and writes the instructions down as words. */
export function assemble({
  graph,
  lists,
  inputs,
  outputs,
  states,
  weights,
  ...lowered
}: Lowered): PlanProgram {
  const instructions = attachTails(lowered.instructions, lists);
  markEscapes(instructions);
  keepSums(instructions);
  for (const instruction of instructions) if (instruction.kind === 'group') fuseNeurons(instruction);
  const temporaries = placeTemporaries(instructions);
  const arena = placeArena(instructions);
  const joined = joinedToPrevious(instructions);
  const constants = new Pool();

  const header = [
    ...[VERSION, graph.timesteps, inputs.bytes, outputs.bytes, states.bytes, arena, temporaries],
    states.fields.length,
    ...states.fields.flatMap(({ offset, shape, format }, i) => [
      ...[offset, sizeOf(shape), FORMATS.indexOf(format)],
      floatBits(graph.states[i].initial),
    ]),
    lists.length,
    ...lists.flatMap(listWords),
  ];
  const body = instructions.flatMap((instruction, i) => [
    ...[INSTRUCTIONS[instruction.kind], joined[i] ? 1 : 0],
    ...wordsOf(instruction, constants),
  ]);
  return {
    name: graph.name,
    inputs: inputs.fields,
    outputs: outputs.fields,
    states: states.fields,
    inputBytes: inputs.bytes,
    outputBytes: outputs.bytes,
    stateBytes: states.bytes,
    code: Int32Array.from([...header, ...body, INSTRUCTIONS.end]),
    weights: weights.join(),
    constants: constants.join(),
  };
}

const optional = (words: readonly number[] | undefined): number[] => (words ? [1, ...words] : [0]);
const optionalAt = (at: number | undefined): number[] => optional(at === undefined ? undefined : [at]);

function wordsOf(instruction: Instruction, constants: Pool): number[] {
  switch (instruction.kind) {
    case 'find': {
      const { list, src } = instruction;
      return [list, FORMATS.indexOf(src.format), ...placed(src)];
    }
    case 'group':
      return groupWords(instruction, constants);
    case 'pool': {
      const { average, window, src, dst } = instruction;
      return [average ? 1 : 0, ...windowWords(window), ...placed(src), ...placed(dst)];
    }
    case 'tile': {
      const { src, dst } = instruction;
      return [dst.n, src.n, ...placed(src), ...placed(dst)];
    }
    case 'groupedConv': {
      const { groups, window, weights, bias, src, dst } = instruction;
      return [groups, ...windowWords(window), weights, ...optionalAt(bias), ...placed(src), ...placed(dst)];
    }
  }
}

function groupWords(group: Group, constants: Pool): number[] {
  const { synapse, elements, pool, spikes } = group;
  const [rows, width, columns] = synapse?.window.output ?? [1, ...pixelsOf(group)];
  const operand = (value: Value): number[] => {
    if (value.constant) return operandWords(constantOperand(constants, value, group.n, columns));
    return value === synapse?.dst ? operandWords({ place: 'sums', offset: 0 }) : placed(value);
  };
  return [
    ...[rows, width, columns],
    ...optional(
      synapse && [
        ...[synapse.list, ...windowWords(synapse.window)],
        ...[synapse.weights, ...optionalAt(synapse.bias)],
      ],
    ),
    elements.length,
    ...elements.flatMap(({ op, dst, src }) => [
      ELEMENT_OPS.indexOf(op),
      ...[...dst, ...src].flatMap(operand),
    ]),
    ...optional(
      pool && [
        ...[pool.average ? 1 : 0, ...pool.window.size],
        ...[...operand(pool.src), ...operand(pool.dst)],
      ],
    ),
    ...optional(spikes && [spikes.list, ...operand(spikes.src)]),
  ];
}

/** Columns that a group without a synapse runs through at once, at least, where its constants repeat. */
const COLUMNS = 128;

/** Pixels and columns of a group without a synapse: columns are what its constants repeat after. */
function pixelsOf({ n, channels, elements }: Group): [number, number] {
  const repeats = elements.some(({ src }) =>
    src.some(({ constant }) => constant && constant.length > 1 && constant.length < n),
  );
  if (!repeats) return [1, n];
  let columns = channels;
  while (columns < COLUMNS && n % (2 * columns) === 0) columns *= 2;
  return [n / columns, columns];
}

function placed({ home, temporary, life }: Value): number[] {
  if (home) return operandWords(home);
  if (temporary !== undefined) return operandWords({ place: 'temporary', offset: temporary });
  return operandWords({ place: 'arena', offset: life?.offset ?? 0 });
}

/** A constant: one number for all, one for each column, or one for each element. */
function constantOperand(constants: Pool, value: Value, n: number, columns: number): Operand {
  const data = value.constant ?? new Float32Array(1);
  const repeat = data.length === 1 ? 'one' : columns % data.length === 0 ? 'column' : 'full';
  const length = { one: VECTOR, column: alignTo(columns, VECTOR), full: n }[repeat];
  const at = constants.add(`${value.name} over ${length}`, () =>
    Float32Array.from({ length }, (_, i) => data[i % data.length]),
  );
  return { place: 'constant', offset: 4 * at, repeat };
}
