import { elementwise, type Formula, type Operation } from './elementwise.js';

/** Codes of the fused kernel's steps (`UpdateOp` in kernels/native/update/update.h). */
const CODE: Readonly<Record<Operation | 'copy', number>> = {
  copy: 0,
  add: 1,
  sub: 2,
  mul: 3,
  div: 4,
  max: 5,
  min: 6,
  sqrt: 7,
  abs: 8,
  sign: 9,
  select: 10,
  combine: 11,
};

/** What the fused kernel holds at once (`MAX_TEMPORARIES` there). */
const MAX_TEMPORARIES = 16;

/** A formula as the fused kernel takes it. */
export interface Program {
  /**
   * `[inputs, outputs, temporaries, numbers, homes..., (op, to, a, b, c, d)...]`, the same at every step of a training.
   * A home is 0 for an output with memory of its own, or 1 plus the input that it overwrites.
   */
  readonly words: readonly number[];
  /** The formula's numbers, which may differ from step to step. */
  readonly numbers: readonly number[];
  /** Names of the results, in the order of the outputs. */
  readonly results: readonly string[];
}

/** A value of the formula, an input or what a step has made, by its number; or one of the formula's numbers. */
type Operand = { readonly value: number } | { readonly number: number };
type Value = Extract<Operand, { readonly value: number }>;

interface Step {
  readonly code: number;
  readonly to: number;
  readonly operands: readonly Operand[];
}

/** Where values lie. */
interface Places {
  readonly of: ReadonlyMap<number, number>;
  readonly temporaries: number;
}

/**
 * Writes a formula down as a program: runs it once with symbols for arrays. Results named in `consumed` overwrite the
 * input of their name. `undefined` for what the kernel can't do: too many temporaries, or inputs that change places.
 */
export function record(
  formula: Formula,
  inputs: readonly string[],
  consumed: ReadonlySet<string>,
): Program | undefined {
  const steps: Step[] = [];
  const numbers: number[] = [];
  const make = (operation: Operation | 'copy', operands: readonly (Value | number)[]): Value => {
    const to = inputs.length + steps.length;
    const noted = operands.map((x) => (typeof x === 'number' ? { number: numbers.push(x) - 1 } : x));
    steps.push({ code: CODE[operation], to, operands: noted });
    return { value: to };
  };
  const algebra = elementwise<Value>((operation, ...operands) => make(operation, operands));
  const made = formula(algebra, Object.fromEntries(inputs.map((name, value) => [name, { value }])));
  const results = Object.keys(made);
  const homes = results.map((name) => (consumed.has(name) ? inputs.indexOf(name) : -1));

  // an input that is overwritten and handed on under another name would have to be saved first
  const moved = Object.values(made).some(
    ({ value }, j) => value !== homes[j] && value < inputs.length && consumed.has(inputs[value]),
  );
  if (moved) return undefined;

  const outputs: number[] = [];
  Object.values(made).forEach(({ value }, j) => {
    const home = homes[j];
    const taken = value < inputs.length || outputs.includes(value);
    const readLater = home >= 0 && steps.some((s) => s.to > value && reads(s, home));
    outputs.push(taken || readLater ? make('copy', [{ value }]).value : value);
  });

  const { of, temporaries } = placed(steps, inputs.length, outputs);
  if (temporaries > MAX_TEMPORARIES) return undefined;
  const firstNumber = inputs.length + outputs.length + temporaries;
  const word = (x: Operand | undefined) => {
    if (x === undefined) return 0;
    return 'number' in x ? firstNumber + x.number : (of.get(x.value) ?? x.value);
  };
  const head = [inputs.length, outputs.length, temporaries, numbers.length];
  const lines = steps.map(({ code, to, operands: [a, b, c, d] }) => [
    code,
    ...[{ value: to }, a, b, c, d].map(word),
  ]);
  return { words: [...head, ...homes.map((home) => home + 1), ...lines.flat()], numbers, results };
}

const reads = (step: Step, value: number) => step.operands.some((x) => 'value' in x && x.value === value);

/** Inputs come first, then outputs, then temporaries; a temporary's place is free again after its last use. */
function placed(steps: readonly Step[], inputs: number, outputs: readonly number[]): Places {
  const lastUse = new Map<number, Step>();
  for (const step of steps) {
    lastUse.set(step.to, step);
    for (const x of step.operands) if ('value' in x) lastUse.set(x.value, step);
  }
  const of = new Map(outputs.map((value, j) => [value, inputs + j]));
  const first = inputs + outputs.length;
  const free: number[] = [];
  let temporaries = 0;
  for (const step of steps) {
    const ended = [...lastUse].flatMap(([value, last]) =>
      last === step && value !== step.to ? [value] : [],
    );
    const release = (value: number) => {
      const place = of.get(value);
      if (place !== undefined && place >= first) free.push(place);
    };
    ended.forEach(release);
    if (!of.has(step.to)) of.set(step.to, free.pop() ?? first + temporaries++);
    if (lastUse.get(step.to) === step) release(step.to);
  }
  return { of, temporaries };
}
