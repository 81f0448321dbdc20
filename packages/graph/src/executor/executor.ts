import { float16ToFloat32, sizeOf } from '@bidl/formats';
import { checkGraph } from '../check.js';
import { GraphError, type GraphInput, type Node, type StepGraph } from '../graph.js';
import { roundToHalf } from '../ops/half.js';
import { elementwiseKernel, type Kernel } from './elementwise.js';
import { convKernel, denseKernel, globalAvgKernel, poolKernel } from './synapses.js';

/** Numbers for a graph input: bytes, float32, or half-precision bits. `[n, ...shape]`. */
export type InputNumbers = Float32Array | Uint8Array | Uint16Array;

/** Every state of n samples by key, `[n, ...shape]`. */
export type ExecutorState = ReadonlyMap<string, Float32Array>;

export interface ExecutorStep {
  /** In the order of `graph.outputs`, `[n, ...shape]` each. */
  readonly outputs: readonly Float32Array[];
  readonly state: ExecutorState;
  /** The values asked for, by id, `[n, ...shape]`. A save's value is what was stored. */
  readonly taps: ReadonlyMap<string, Float32Array>;
}

/** Runs a step graph, one time step a call, any number of samples with a state each. */
export interface Executor {
  readonly graph: StepGraph;
  initialState(n: number): ExecutorState;
  /**
   * One step of n samples. The state that is given stays as it is; the next one is returned.
   *
   * @param inputs in the order of `graph.inputs`
   * @param taps ids of values to hand out beside the outputs
   * @throws GraphError for inputs or states of another size, or a tap that does not exist
   */
  step(inputs: readonly InputNumbers[], state: ExecutorState, taps?: readonly string[]): ExecutorStep;
}

/**
 * The reference executor: plain float32, the order of operations fixed by the operation table. What other executors
 * compute is right when it agrees with this, bit for bit where they share the order.
 *
 * @throws GraphError when the graph is not sound
 *
 * @example
 * const executor = createExecutor(graph);
 * let state = executor.initialState(1);
 * for (const frame of frames) {
 *   const step = executor.step([frame], state);
 *   state = step.state;
 * }
 */
export function createExecutor(graph: StepGraph): Executor {
  checkGraph(graph);
  const values = new Map<string, { data: Float32Array; shape: readonly number[] }>();
  for (const [name, { data, shape }] of Object.entries(graph.weights)) values.set(name, { data, shape });
  for (const { name, type } of graph.inputs) values.set(name, buffer(type.shape));
  for (const node of graph.nodes) values.set(node.id, buffer(node.type.shape));
  const valueOf = (id: string) => {
    const value = values.get(id);
    if (!value) {
      const ids = [...values.keys()];
      throw new GraphError(
        `graph "${graph.name}" has no value "${id}"; it has ${ids.slice(0, 12).join(', ')}${ids.length > 12 ? ', ...' : ''}`,
      );
    }
    return value;
  };

  const kernels = graph.nodes.flatMap((node) =>
    kernelOf(node, node.inputs.map(valueOf), valueOf(node.id).data),
  );
  const slots = graph.states.map((slot) => {
    const saver = graph.nodes.find((node) => node.op === 'save' && node.attrs.key === slot.key);
    const loader = graph.nodes.find((node) => node.op === 'load' && node.attrs.key === slot.key);
    if (!saver || !loader) throw new GraphError(`state "${slot.key}" needs a load and a save`);
    return {
      ...slot,
      size: sizeOf(slot.shape),
      loaded: valueOf(loader.id).data,
      stored: valueOf(saver.id).data,
    };
  });

  function initialState(n: number): ExecutorState {
    return new Map(
      slots.map(({ key, size, initial, dtype }) => {
        const data = new Float32Array(n * size).fill(initial);
        return [key, dtype === 'float16' ? roundToHalf(data) : data];
      }),
    );
  }

  function step(
    inputs: readonly InputNumbers[],
    state: ExecutorState,
    taps: readonly string[] = [],
  ): ExecutorStep {
    const n = samplesOf(graph, inputs);
    const frames = graph.inputs.map((input, i) => ({ ...input, data: toFloats(input, inputs[i]) }));
    const before = slots.map((slot) => {
      const data = state.get(slot.key);
      if (data?.length !== n * slot.size) {
        throw new GraphError(
          `state "${slot.key}" must have ${n} x [${slot.shape.join(', ')}] numbers, got ${data?.length ?? 'none'}; start from initialState(${n})`,
        );
      }
      return data;
    });
    const after = slots.map((slot) => new Float32Array(n * slot.size));
    const outputs = graph.outputs.map(({ value }) => handOut(valueOf(value).data, n));
    const tapped = taps.map((id) => handOut(valueOf(id).data, n));

    for (let sample = 0; sample < n; sample++) {
      for (const { name, data } of frames) {
        const into = valueOf(name).data;
        into.set(data.subarray(sample * into.length, (sample + 1) * into.length));
      }
      slots.forEach((slot, i) => {
        slot.loaded.set(before[i].subarray(sample * slot.size, (sample + 1) * slot.size));
      });
      for (const kernel of kernels) kernel();
      slots.forEach((slot, i) => {
        if (slot.dtype === 'float16') slot.stored.set(roundToHalf(slot.stored));
        after[i].set(slot.stored, sample * slot.size);
      });
      for (const { from, into } of [...outputs, ...tapped]) into.set(from, sample * from.length);
    }
    return {
      outputs: outputs.map(({ into }) => into),
      state: new Map(slots.map(({ key }, i) => [key, after[i]])),
      taps: new Map(taps.map((id, i) => [id, tapped[i].into])),
    };
  }

  return { graph, initialState, step };
}

const buffer = (shape: readonly number[]) => ({ data: new Float32Array(sizeOf(shape)), shape });
const handOut = (from: Float32Array, n: number) => ({ from, into: new Float32Array(n * from.length) });

function kernelOf(
  node: Node,
  operands: readonly { data: Float32Array; shape: readonly number[] }[],
  out: Float32Array,
): Kernel[] {
  const data = operands.map((operand) => operand.data);
  const shape = operands[0]?.shape ?? [];
  switch (node.op) {
    case 'load':
      return [];
    case 'constant':
      out.fill(node.attrs.value as number);
      return [];
    case 'save':
    case 'reshape':
      return [() => out.set(data[0])];
    case 'conv2d':
      return [convKernel(out, data, node, shape, operands[1].shape)];
    case 'dense':
      return [denseKernel(out, data)];
    case 'maxPool':
    case 'avgPool':
      return [poolKernel(out, data[0], node, shape)];
    case 'globalAvgPool':
      return [globalAvgKernel(out, data[0])];
    default: {
      const kernel = elementwiseKernel(node.op, out, data, node.attrs);
      if (!kernel) throw new GraphError(`the reference executor has no operation "${String(node.op)}"`);
      return [kernel];
    }
  }
}

/** Number of samples, the same for every input. */
function samplesOf(graph: StepGraph, inputs: readonly InputNumbers[]): number {
  if (inputs.length !== graph.inputs.length) {
    const names = graph.inputs.map((input) => input.name).join(', ');
    throw new GraphError(
      `graph "${graph.name}" takes ${graph.inputs.length} input(s) (${names}), got ${inputs.length}`,
    );
  }
  let samples: number | undefined;
  graph.inputs.forEach(({ name, type }, i) => {
    const each = sizeOf(type.shape);
    const n = inputs[i].length / each;
    if (!Number.isInteger(n) || n < 1 || (samples !== undefined && n !== samples)) {
      throw new GraphError(
        `input "${name}" has ${inputs[i].length} numbers; give [n, ${type.shape.join(', ')}], ${each} for each sample` +
          (samples === undefined ? '' : `, and ${samples} sample(s) as for the input before`),
      );
    }
    samples = n;
  });
  return samples ?? 1;
}

/** The input as float32, in what its declared type can hold. */
function toFloats({ name, type }: GraphInput, data: InputNumbers): Float32Array {
  const tag = Object.prototype.toString.call(data).slice(8, -1);
  if (tag === 'Uint8Array') return Float32Array.from(data);
  if (tag === 'Uint16Array' && type.dtype === 'float16') return float16ToFloat32(data as Uint16Array);
  if (tag === 'Float32Array' && type.dtype === 'float32') return data as Float32Array;
  if (tag === 'Float32Array' && type.dtype === 'float16') return roundToHalf(data);
  throw new GraphError(`input "${name}" takes ${type.dtype}, got a ${tag}`);
}
