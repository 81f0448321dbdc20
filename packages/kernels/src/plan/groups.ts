import { KernelError } from '../errors.js';
import type { Operand } from './code.js';
import type { PlanFormat } from './graph.js';
import type { Element, ElementOp, Group, Instruction, Synapse, Value } from './instructions.js';

/** What is known of a value when it is made. */
type Known = Partial<Pick<Value, 'constant' | 'format' | 'binary' | 'home' | 'group'>>;

/**
 * The instructions of a graph while they are being written, and its values by name. Element-wise operations of one size
 * that follow each other gather in one group.
 */
export class Groups {
  readonly instructions: Instruction[] = [];
  private readonly values = new Map<string, Value>();
  private open: Group | undefined;

  constructor(private readonly graphName: string) {}

  define(name: string, n: number, known: Known = {}): Value {
    const value: Value = { format: 'float32', binary: false, ...known, escapes: false, name, n };
    this.values.set(name, value);
    return value;
  }

  /** Another name for a value. */
  alias(name: string, value: Value): void {
    this.values.set(name, value);
  }

  find(name: string): Value | undefined {
    return this.values.get(name);
  }

  get(name: string): Value {
    const value = this.values.get(name);
    if (!value) throw new KernelError(`graph "${this.graphName}": there is no value "${name}"`);
    return value;
  }

  /** Elements that may still join the operation which makes `value`. */
  elementsBehind(value: Value): readonly Element[] | undefined {
    const at = this.open?.elements.findIndex(({ dst }) => dst.includes(value)) ?? -1;
    return at < 0 ? undefined : this.open?.elements.slice(at + 1);
  }

  push(instruction: Instruction): void {
    this.open = undefined;
    this.instructions.push(instruction);
  }

  /** Opens a group behind a synapse. */
  synapse(name: string, n: number, channels: number, synapse: Omit<Synapse, 'dst'>): Value {
    const dst = this.define(name, n);
    const group: Group = { kind: 'group', n, channels, elements: [], synapse: { ...synapse, dst } };
    dst.group = group;
    this.push(group);
    this.open = group;
    return dst;
  }

  /** Adds an element-wise operation to the open group, or opens one. `channels`: length of the last axis. */
  element(
    op: ElementOp,
    n: number,
    channels: number,
    src: readonly Value[],
    { name, home, binary = false }: { name: string; home?: Operand; binary?: boolean },
  ): Value {
    const operands = src.map((value) => (value.n === n || value.constant ? value : this.tile(value, n)));
    if (this.open?.n !== n) {
      const group: Group = { kind: 'group', n, channels, elements: [] };
      this.push(group);
      this.open = group;
    }
    const group = this.open;
    const dst = this.define(name, n, { group, binary, ...(home && { home }) });
    group.elements.push({ op, dst: [dst], src: operands });
    return dst;
  }

  /** The float32 numbers of a value, converted on first use. */
  numbers(value: Value): Value {
    if (value.format === 'float32') return value;
    const name = `${value.name} in float32`;
    const op: Readonly<Record<Exclude<PlanFormat, 'float32'>, ElementOp>> = {
      uint8: 'fromByte',
      float16: 'fromHalf',
    };
    return this.find(name) ?? this.element(op[value.format], value.n, value.n, [value], { name });
  }

  /** A value computed at run time, repeated to `n` elements. */
  private tile(src: Value, n: number): Value {
    const name = `${src.name} x ${n}`;
    const known = this.find(name);
    if (known) return known;
    const dst = this.define(name, n, { binary: src.binary });
    this.push({ kind: 'tile', src, dst });
    return dst;
  }
}
