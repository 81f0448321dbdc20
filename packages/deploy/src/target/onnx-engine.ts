import { performance } from 'node:perf_hooks';

import { onnxShape, stepModel, type StepEngine } from '@bidl/compile';
import { float16ToFloat32, ndarray, sizeOf, transpose, type NdArray } from '@bidl/formats';
import { toHalfBits, type ElementType, type StepGraph } from '@bidl/graph';

import { loadOnnxRuntime, openSession, type OnnxRuntime, type OnnxTensor } from './onnx-runtime.js';
import { median } from './target.js';

/** Values `[...lead, ...shape]` as onnxruntime takes them: images channels first, halves as bits. */
export function onnxTensor(
  { Tensor }: OnnxRuntime,
  values: Float32Array | Uint8Array,
  lead: readonly number[],
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: ElementType },
): OnnxTensor {
  const typed = ndarray(typedAs(values, dtype));
  const { data } = shape.length === 3 ? transpose(folded(typed, shape), [0, 3, 1, 2]) : typed;
  return new Tensor(dtype, data, [...lead, ...onnxShape(shape)]);
}

function typedAs(values: Float32Array | Uint8Array, dtype: ElementType) {
  if (dtype === 'float16') return toHalfBits(values);
  const isBytes = values.BYTES_PER_ELEMENT === 1;
  if (dtype === 'uint8') return isBytes ? values : new Uint8Array(values);
  return isBytes ? new Float32Array(values) : values;
}

/** What onnxruntime gives of a value of this shape, channels last. */
export function fromOnnx(tensor: OnnxTensor | undefined, shape: readonly number[]): Float32Array {
  const values = numbersOf(tensor);
  if (shape.length !== 3) return values;
  return transpose(folded(ndarray(values), onnxShape(shape)), [0, 2, 3, 1]).data as Float32Array;
}

/** A tensor's numbers; halves come as bits. */
export function numbersOf(tensor: OnnxTensor | undefined): Float32Array {
  if (!tensor) return new Float32Array(0);
  const { type, data } = tensor;
  if (type !== 'float16') return data as unknown as Float32Array;
  return float16ToFloat32(new Uint16Array(data.buffer, data.byteOffset, data.length));
}

const folded = ({ data, dtype }: NdArray, shape: readonly number[]): NdArray => ({
  dtype,
  data,
  shape: [data.length / sizeOf(shape), ...shape],
});

/**
 * onnxruntime's step model of a graph, as an engine for comparisons.
 *
 * @param threads that a step may use; many engines at a time should have one each, for onnxruntime's threads spin
 */
export async function onnxEngine(graph: StepGraph, threads?: number): Promise<StepEngine> {
  const runtime = await loadOnnxRuntime();
  const session = await openSession(runtime, stepModel(graph), threads);
  const shapes = new Map(graph.nodes.map(({ id, type }) => [id, type.shape]));
  const given = (
    values: Float32Array | undefined,
    n: number,
    type: { shape: readonly number[]; dtype: ElementType },
  ) => onnxTensor(runtime, values ?? new Float32Array(0), [n], type);
  return {
    async step(inputs, state, n) {
      const feeds: Record<string, OnnxTensor> = {};
      graph.inputs.forEach(({ name, type }, i) => (feeds[name] = given(inputs[i], n, type)));
      for (const slot of graph.states) feeds[`state/${slot.key}`] = given(state.get(slot.key), n, slot);
      const out = await session.run(feeds);
      return {
        outputs: graph.outputs.map(({ name, value }) =>
          fromOnnx(out[name] ?? out[`${name}/out`], shapes.get(value) ?? []),
        ),
        state: new Map(graph.states.map(({ key, shape }) => [key, fromOnnx(out[`next/${key}`], shape)])),
      };
    },
    dispose: () => session.release(),
  };
}

/** Milliseconds of one step of n samples, states in and out: the median over `steps` steps. */
export async function onnxLatency(graph: StepGraph, n: number, steps = 40): Promise<number> {
  const engine = await onnxEngine(graph);
  try {
    const filled = (shape: readonly number[], value: number) =>
      new Float32Array(n * sizeOf(shape)).fill(value);
    // Every seventh input is an event.
    const frames = graph.inputs.map(({ type }) => filled(type.shape, 0).map((_, i) => (i % 7 === 0 ? 1 : 0)));
    let state: ReadonlyMap<string, Float32Array> = new Map(
      graph.states.map(({ key, shape, initial }) => [key, filled(shape, initial)]),
    );
    const times: number[] = [];
    for (let i = 0; i < steps; i++) {
      const start = performance.now();
      ({ state } = await engine.step(frames, state, n));
      times.push(performance.now() - start);
    }
    return median(times);
  } finally {
    await engine.dispose?.();
  }
}
