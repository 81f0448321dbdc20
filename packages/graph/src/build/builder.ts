import { type NdArray, ndarray } from '@bidl/formats';
import { checkGraph } from '../check.js';
import { type Attributes, GraphError, type GraphInput, type GraphOutput, type Node } from '../graph.js';
import type { StateSlot, StepGraph, ValueType } from '../graph.js';
import { inferType, type OpName } from '../ops/table.js';
import type { Padding } from '../ops/geometry.js';

/** A value of a graph under construction. */
export interface ValueRef {
  readonly id: string;
  readonly type: ValueType;
}

/** Where a node belongs. `what` is the rest of its id; by default the operation's name, numbered where taken. */
export interface NodePlace {
  readonly layer: string;
  readonly what?: string;
}

export interface PoolOptions {
  readonly size: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly padding?: Padding;
}

export interface ConvOptions {
  readonly stride?: readonly [number, number];
  readonly padding?: Padding;
  readonly groups?: number;
}

/** Builds a {@link StepGraph} node by node; shapes are inferred, mistakes are named where they are made. */
export interface GraphBuilder {
  input(name: string, type: ValueType): ValueRef;
  weight(name: string, array: NdArray<Float32Array>): ValueRef;
  /** A weight from numbers; without a shape, a scalar or one axis. */
  numbers(name: string, values: number | ArrayLike<number>, shape?: readonly number[]): ValueRef;
  node(op: OpName, inputs: readonly ValueRef[], attrs: Attributes, place: NodePlace): ValueRef;
  load(
    slot: { key: string; shape: readonly number[]; initial?: number; dtype?: StateSlot['dtype'] },
    place: NodePlace,
  ): ValueRef;
  save(key: string, value: ValueRef, place: NodePlace): void;
  conv2d(
    x: ValueRef,
    kernel: ValueRef,
    bias: ValueRef | undefined,
    options: ConvOptions,
    place: NodePlace,
  ): ValueRef;
  dense(x: ValueRef, kernel: ValueRef, bias: ValueRef | undefined, place: NodePlace): ValueRef;
  maxPool(x: ValueRef, options: PoolOptions, place: NodePlace): ValueRef;
  avgPool(x: ValueRef, options: PoolOptions, place: NodePlace): ValueRef;
  reshape(x: ValueRef, shape: readonly number[], place: NodePlace): ValueRef;
  constant(value: number, place: NodePlace): ValueRef;
  output(name: string, value: ValueRef): void;
  /** The finished graph. Throws GraphError when it is not sound. */
  build(): StepGraph;
}

/**
 * @example
 * const b = graphBuilder({ name: 'integrator', timesteps: 4 });
 * const x = b.input('data', { shape: [3], dtype: 'float32' });
 * const v = b.load({ key: 'sum/v', shape: [3] }, { layer: 'sum' });
 * const u = b.node('add', [x, v], {}, { layer: 'sum' });
 * b.save('sum/v', u, { layer: 'sum' });
 * b.output('logits', u);
 * const graph = b.build();
 */
export function graphBuilder({ name, timesteps }: { name: string; timesteps: number }): GraphBuilder {
  const inputs: GraphInput[] = [];
  const outputs: GraphOutput[] = [];
  const nodes: Node[] = [];
  const states: StateSlot[] = [];
  const weights: Record<string, NdArray<Float32Array>> = {};
  const taken = new Set<string>();

  const claim = (id: string) => {
    if (taken.has(id)) throw new GraphError(`the name "${id}" is taken; every value needs its own`);
    taken.add(id);
    return id;
  };
  const freeId = (base: string) => {
    for (let i = 0; ; i++) {
      const id = i === 0 ? base : `${base}_${i}`;
      if (!taken.has(id)) return id;
    }
  };

  const push = (
    op: OpName,
    operands: readonly ValueRef[],
    attrs: Attributes,
    place: NodePlace,
    type: ValueType,
  ) => {
    const id = claim(
      place.what === undefined ? freeId(`${place.layer}/${op}`) : `${place.layer}/${place.what}`,
    );
    nodes.push({ id, op, inputs: operands.map((operand) => operand.id), attrs, type, layer: place.layer });
    return { id, type };
  };
  const node: GraphBuilder['node'] = (op, operands, attrs, place) => {
    try {
      const types = operands.map((operand) => operand.type);
      return push(op, operands, attrs, place, inferType(op, types, attrs));
    } catch (error) {
      if (error instanceof GraphError) throw new GraphError(`layer "${place.layer}": ${error.message}`);
      throw error;
    }
  };
  const given = (...values: (ValueRef | undefined)[]) => values.filter((value) => value !== undefined);
  const pool = (op: 'maxPool' | 'avgPool') => (x: ValueRef, options: PoolOptions, place: NodePlace) => {
    const { size, stride = size, padding = [0, 0, 0, 0] } = options;
    return node(op, [x], { size, stride, padding }, place);
  };
  const weight: GraphBuilder['weight'] = (id, array) => {
    weights[claim(id)] = array;
    return { id, type: { shape: array.shape, dtype: 'float32' } };
  };

  return {
    input(id, type) {
      inputs.push({ name: claim(id), type });
      return { id, type };
    },
    weight,
    numbers(id, values, shape) {
      const data = typeof values === 'number' ? Float32Array.of(values) : Float32Array.from(values);
      return weight(id, ndarray(data, shape ?? (typeof values === 'number' ? [] : [data.length])));
    },
    node,
    load({ key, shape, initial = 0, dtype = 'float32' }, place) {
      states.push({ key, shape, initial, dtype });
      return push('load', [], { key }, place, { shape, dtype: 'float32' });
    },
    save(key, value, place) {
      node('save', [value], { key }, place);
    },
    conv2d: (x, kernel, b, { stride = [1, 1], padding = [0, 0, 0, 0], groups = 1 }, place) =>
      node('conv2d', given(x, kernel, b), { stride, padding, groups }, place),
    dense: (x, kernel, b, place) => node('dense', given(x, kernel, b), {}, place),
    maxPool: pool('maxPool'),
    avgPool: pool('avgPool'),
    reshape: (x, shape, place) => node('reshape', [x], { shape }, place),
    constant: (value, place) => node('constant', [], { value }, place),
    output(id, value) {
      outputs.push({ name: id, value: value.id });
    },
    build: () =>
      checkGraph({
        format: 'bidl-step-graph',
        version: 1,
        name,
        timesteps,
        inputs,
        outputs,
        nodes,
        states,
        weights,
      }),
  };
}
