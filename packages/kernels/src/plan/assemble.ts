import {
  alignTo,
  ELEMENT_OPS,
  floatBits,
  FORMATS,
  INSTRUCTIONS,
  layLifetimes,
  type Lifetime,
  type Operand,
  operandWords,
  type Pool,
  VERSION,
  windowWords,
} from './code.js';
import { fuseNeurons } from './fuse.js';
import { type PlanField, type PlanGraph, type PlanProgram, sizeOf } from './graph.js';
import type { Element, Group, Instruction, Value } from './instructions.js';

/** Floats of a block: with the handful of values that a neuron needs, it stays in the first-level cache. */
const BLOCK = 1024;
/** Outputs of a dense layer's block: a whole number of panels of weights, whatever the instruction set. */
const DENSE_COLUMNS = 128;
/** Pixels of a block behind a synapse, at least. */
const PIXELS = 24;

interface Fields {
  readonly fields: readonly PlanField[];
  readonly bytes: number;
}

/** A graph as instructions over values that have no place yet. */
export interface Lowered {
  readonly graph: PlanGraph;
  readonly instructions: readonly Instruction[];
  readonly listShapes: readonly (readonly number[])[];
  readonly inputs: Fields;
  readonly outputs: Fields;
  readonly states: Fields;
  readonly weights: Pool;
  readonly constants: Pool;
}

/** Gives every value its place and writes the instructions down as words. */
export function assemble(lowered: Lowered): PlanProgram {
  for (const instruction of lowered.instructions) if (instruction.kind === 'group') fuseNeurons(instruction);
  const blocks = new Map<Group, number>();
  for (const instruction of lowered.instructions) {
    if (instruction.kind === 'group') blocks.set(instruction, blockOf(instruction));
  }
  const block = Math.max(1, ...blocks.values());
  const temporaries = placeTemporaries(lowered.instructions);
  const arena = placeArena(lowered.instructions);
  const temporaryBytes = alignTo(block * 4);

  const operand = (value: Value, group?: Group): number[] => {
    const { home, constant, life, temporary } = value;
    if (constant)
      return operandWords(
        constantOperand(lowered.constants, value, group, group ? (blocks.get(group) ?? 1) : 1),
      );
    if (home) return operandWords(home);
    if (temporary !== undefined)
      return operandWords({ place: 'temporary', offset: temporary * temporaryBytes, step: 0 });
    return operandWords({ place: 'arena', offset: life?.offset ?? 0, step: 4 });
  };
  const optional = (at: number | undefined) => (at === undefined ? [0] : [1, at]);
  const words = lowered.instructions.flatMap((instruction): number[] => {
    switch (instruction.kind) {
      case 'find': {
        const { list, src } = instruction;
        return [INSTRUCTIONS.find, list, FORMATS.indexOf(src.format), ...operand(src)];
      }
      case 'group': {
        const { n, synapse, elements } = instruction;
        const head = [INSTRUCTIONS.group, n, blocks.get(instruction) ?? n];
        const lead = synapse
          ? [
              ...[1, synapse.list, ...windowWords(synapse.window), synapse.weights],
              ...[...optional(synapse.bias), ...operand(synapse.dst)],
            ]
          : [0];
        const body = elements.flatMap((element) => {
          const { op, dst, src } = element;
          const period = periodOf(element, instruction);
          if (period === undefined) {
            return [
              ELEMENT_OPS.indexOf(op),
              ...[...dst, ...src].flatMap((value) => operand(value, instruction)),
            ];
          }
          const values = [...dst, ...src.slice(0, 2)].flatMap((value) => operand(value, instruction));
          const factors = src
            .slice(2)
            .flatMap((value, i) => operandWords(spread(lowered.constants, value, i < 2 ? 1 : period)));
          return [ELEMENT_OPS.indexOf('neuron'), period, ...values, ...factors];
        });
        return [...head, ...lead, elements.length, ...body];
      }
      case 'pool': {
        const { average, window, src, dst } = instruction;
        return [INSTRUCTIONS.pool, average ? 1 : 0, ...windowWords(window), ...operand(src), ...operand(dst)];
      }
      case 'tile': {
        const { src, dst } = instruction;
        return [INSTRUCTIONS.tile, dst.n, src.n, ...operand(src), ...operand(dst)];
      }
      case 'groupedConv': {
        const { groups, window, weights, bias, src, dst } = instruction;
        return [
          ...[INSTRUCTIONS.groupedConv, groups, ...windowWords(window), weights, ...optional(bias)],
          ...[...operand(src), ...operand(dst)],
        ];
      }
    }
  });
  const header = [
    VERSION,
    ...[lowered.inputs.bytes, lowered.outputs.bytes, lowered.states.bytes, arena, temporaries, block],
    lowered.states.fields.length,
    ...lowered.states.fields.flatMap(({ offset, shape, format }, i) => [
      ...[offset, sizeOf(shape), FORMATS.indexOf(format)],
      floatBits(lowered.graph.states[i].initial),
    ]),
    lowered.listShapes.length,
    ...lowered.listShapes.flat(),
  ];
  return {
    name: lowered.graph.name,
    inputs: lowered.inputs.fields,
    outputs: lowered.outputs.fields,
    states: lowered.states.fields,
    inputBytes: lowered.inputs.bytes,
    outputBytes: lowered.outputs.bytes,
    stateBytes: lowered.states.bytes,
    code: Int32Array.from([...header, ...words, INSTRUCTIONS.end]),
    weights: lowered.weights.join(),
    constants: lowered.constants.join(),
  };
}

/** Channels of a neuron behind a convolution with one threshold and one reset potential; undefined for any other. */
function periodOf({ op, src }: Element, { synapse }: Group): number | undefined {
  if (op !== 'integrateFire' || !synapse) return undefined;
  const [rows, columns, channels] = synapse.window.output;
  const lengths = src.slice(2).map(({ constant }) => constant?.length ?? Infinity);
  const fits = lengths.every((length, i) => length === 1 || (i >= 2 && length === channels));
  return fits && rows * columns > 1 ? channels : undefined;
}

/** A constant as `length` numbers that stay where they are. */
function spread(constants: Pool, { name, constant = new Float32Array(1) }: Value, length: number): Operand {
  const numbers = () => Float32Array.from({ length }, (_, i) => constant[i % constant.length]);
  return { place: 'constant', offset: 4 * constants.add(`${name} by ${length}`, numbers), step: 0 };
}

/** A constant spread over a block where that fits, else over all elements. */
function constantOperand(constants: Pool, value: Value, group: Group | undefined, block: number): Operand {
  const data = value.constant ?? new Float32Array();
  const n = group?.n ?? data.length;
  const moves = n > block && block % data.length !== 0;
  const length = moves ? n : block;
  const offset = constants.add(`${value.name} over ${length}`, () =>
    Float32Array.from({ length }, (_, i) => data[i % data.length]),
  );
  return { place: 'constant', offset: offset * 4, step: moves ? 4 : 0 };
}

/** Values that only their own group reads hold one block; slots are used again within a group. */
function placeTemporaries(instructions: readonly Instruction[]): number {
  let most = 0;
  for (const group of instructions) {
    if (group.kind !== 'group') continue;
    const { synapse, elements } = group;
    const last = new Map<Value, number>();
    elements.forEach(({ src, dst }, i) => [...src, ...dst].forEach((value) => last.set(value, i)));
    const free: number[] = [];
    let used = 0;
    const take = (value: Value) => {
      if (value.home || value.escapes || value.group !== group) return;
      value.temporary = free.pop() ?? used++;
    };
    if (synapse) take(synapse.dst);
    elements.forEach(({ src, dst }, i) => {
      dst.forEach(take);
      for (const value of new Set([...src, ...dst])) {
        if (value.temporary !== undefined && value.group === group && last.get(value) === i) {
          free.push(value.temporary);
        }
      }
    });
    most = Math.max(most, used);
  }
  return most;
}

function placeArena(instructions: readonly Instruction[]): number {
  const lives = new Set<Lifetime>();
  const touch = (value: Value, at: number) => {
    if (value.home || value.constant || value.temporary !== undefined) return;
    value.life ??= { bytes: value.n * 4, first: at, last: at, offset: 0 };
    value.life.last = at;
    lives.add(value.life);
  };
  instructions.forEach((instruction, at) => {
    if (instruction.kind === 'group') {
      if (instruction.synapse) touch(instruction.synapse.dst, at);
      for (const { src, dst } of instruction.elements) [...src, ...dst].forEach((value) => touch(value, at));
      return;
    }
    touch(instruction.src, at);
    if (instruction.kind !== 'find') touch(instruction.dst, at);
  });
  return layLifetimes(lives);
}

/** Elements of a block: whole rows behind a synapse, so that a piece of its kernel serves many pixels. */
function blockOf({ n, channels, synapse }: Group): number {
  if (synapse) {
    const [rows, columns, outputs] = synapse.window.output;
    if (rows * columns === 1) return Math.min(outputs, DENSE_COLUMNS);
    const high = Math.min(rows, Math.max(1, Math.ceil(PIXELS / columns)));
    return high * columns * outputs;
  }
  if (n <= BLOCK) return n;
  const step = channels < n && n % channels === 0 ? channels : 1;
  return Math.min(n, step * Math.max(1, Math.floor(BLOCK / step)));
}
