import path from 'node:path';
import { performance } from 'node:perf_hooks';

import { ONNX_FILES, stepModel, type StepEngine } from '@bidl/compile';
import { toHalfBits, type ElementType, type StepGraph } from '@bidl/graph';

import { groupsOf, type Device } from './device.js';
import { loadOnnxRuntime, turned, type OnnxRuntime, type OnnxTensor } from './onnx-runtime.js';
import { inType, type TestSample } from './samples.js';

const nchw = (shape: readonly number[]): number[] => {
  const [h, w, c, ...more] = shape;
  return shape.length === 3 && h && w && c && more.length === 0 ? [c, h, w] : [...shape];
};

function tensorOf(
  { Tensor }: OnnxRuntime,
  type: ElementType,
  values: Float32Array,
  dims: readonly number[],
): OnnxTensor {
  const data = type === 'uint8' ? Uint8Array.from(values) : type === 'float16' ? toHalfBits(values) : values;
  return new Tensor(type, data, dims);
}

/** A folder of ONNX files on onnxruntime: whole samples through the sequence model. */
export async function openOnnx(graph: StepGraph, folder: string, batch: number): Promise<Device> {
  const runtime = await loadOnnxRuntime();
  const session = await runtime.InferenceSession.create(path.join(folder, ONNX_FILES.sequence), {
    logSeverityLevel: 3,
  });
  const [{ name, type }] = graph.inputs;
  const [{ name: output }] = graph.outputs;
  const spent = { seconds: 0, samples: 0 };
  const feed = (group: readonly TestSample[]) => {
    const size = type.shape.reduce((a, b) => a * b, 1) * graph.timesteps;
    const data = new Float32Array(size * group.length);
    group.forEach((sample, i) => {
      data.set(turned(inType(sample, type.dtype), graph.timesteps, type.shape, 'NCHW'), i * size);
    });
    return tensorOf(runtime, type.dtype, data, [group.length, graph.timesteps, ...nchw(type.shape)]);
  };
  return {
    batch,
    spent,
    async run(samples) {
      const logits: Float32Array[] = [];
      for (const group of groupsOf(samples, batch)) {
        const input = feed(group);
        const start = performance.now();
        const out = await session.run({ [name]: input });
        spent.seconds += (performance.now() - start) / 1000;
        spent.samples += batch;
        const data = Float32Array.from(out[output]?.data ?? []);
        const size = data.length / batch;
        for (let i = 0; i < batch; i++) logits.push(data.slice(i * size, (i + 1) * size));
      }
      return logits.slice(0, samples.length);
    },
    dispose: () => session.release(),
  };
}

/** onnxruntime's step model of a graph, as an engine for comparisons. */
export async function onnxEngine(graph: StepGraph): Promise<StepEngine> {
  const runtime = await loadOnnxRuntime();
  const session = await runtime.InferenceSession.create(stepModel(graph), { logSeverityLevel: 3 });
  const shapes = new Map(graph.nodes.map(({ id, type }) => [id, type.shape]));
  const fed = (type: ElementType, values: Float32Array, n: number, shape: readonly number[]) =>
    tensorOf(runtime, type, turned(values, n, shape, 'NCHW'), [n, ...nchw(shape)]);
  const read = (tensor: OnnxTensor | undefined, n: number, shape: readonly number[]) =>
    turned(tensor?.data ?? [], n, shape, 'NHWC');
  return {
    async step(inputs, state, n) {
      const feeds = Object.fromEntries([
        ...graph.inputs.map(({ name, type }, i) => [
          name,
          fed(type.dtype, inputs[i] ?? new Float32Array(0), n, type.shape),
        ]),
        ...graph.states.map(({ key, shape, dtype }) => [
          `state/${key}`,
          fed(dtype, state.get(key) ?? new Float32Array(0), n, shape),
        ]),
      ]) as Record<string, OnnxTensor>;
      const out = await session.run(feeds);
      return {
        outputs: graph.outputs.map(({ name, value }) =>
          read(out[name] ?? out[`${name}/out`], n, shapes.get(value) ?? []),
        ),
        state: new Map(graph.states.map(({ key, shape }) => [key, read(out[`next/${key}`], n, shape)])),
      };
    },
    dispose: () => session.release(),
  };
}

/** Milliseconds of one step of one batch, states in and out: the median over `steps` steps. */
export async function onnxLatency(graph: StepGraph, batch: number, steps = 40): Promise<number> {
  const engine = await onnxEngine(graph);
  const zeros = (shape: readonly number[], value = 0) =>
    new Float32Array(batch * shape.reduce((a, b) => a * b, 1)).fill(value);
  const times: number[] = [];
  let state: ReadonlyMap<string, Float32Array> = new Map(
    graph.states.map(({ key, shape, initial }) => [key, zeros(shape, initial)]),
  );
  for (let i = 0; i < steps; i++) {
    const frames = graph.inputs.map(({ type }) => zeros(type.shape).map((_, k) => (k % 7 === 0 ? 1 : 0)));
    const start = performance.now();
    ({ state } = await engine.step(frames, state, batch));
    times.push(performance.now() - start);
  }
  await engine.dispose?.();
  times.sort((a, b) => a - b);
  return times[times.length >> 1] ?? NaN;
}
