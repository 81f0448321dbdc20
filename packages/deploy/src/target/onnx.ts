import path from 'node:path';
import { performance } from 'node:perf_hooks';

import { ONNX_FILES } from '@bidl/compile';
import type { StepGraph } from '@bidl/graph';

import { groupsOf, inType, joined } from '../samples.js';
import { numbersOf, onnxLatency, onnxTensor } from './onnx-engine.js';
import { loadOnnxRuntime, openSession } from './onnx-runtime.js';
import type { Target } from './target.js';

/**
 * A folder of ONNX files on onnxruntime: whole samples through the sequence model.
 *
 * @throws DeployError without onnxruntime
 */
export async function openOnnx(graph: StepGraph, folder: string, batch: number): Promise<Target> {
  const runtime = await loadOnnxRuntime();
  const latencyMs = await onnxLatency(graph, batch);
  const session = await openSession(runtime, path.join(folder, ONNX_FILES.sequence));
  const [{ name, type }] = graph.inputs;
  const [{ name: output }] = graph.outputs;
  const spent = { seconds: 0, samples: 0 };
  return {
    latencyMs,
    equal: null,
    spent,
    async run(samples) {
      const logits: Float32Array[] = [];
      for (const group of groupsOf(samples, batch)) {
        const values = joined(group.map((sample) => inType(sample, type.dtype)));
        const input = onnxTensor(runtime, values, [batch, graph.timesteps], type);
        const start = performance.now();
        const out = await session.run({ [name]: input });
        spent.seconds += (performance.now() - start) / 1000;
        spent.samples += batch;
        const data = numbersOf(out[output]);
        const size = data.length / batch;
        for (let i = 0; i < batch; i++) logits.push(data.slice(i * size, (i + 1) * size));
      }
      return logits.slice(0, samples.length);
    },
    dispose: () => session.release(),
  };
}
