import * as tf from '@tensorflow/tfjs';
import { EngineError } from '../backend/errors.js';

/** The part of tfjs's cpu backend that holds data. */
interface CpuBackend {
  readonly data: { get(id: object): { values: tf.backend_util.BackendValues } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: tf.backend_util.BackendValues): tf.TensorInfo;
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
}

/** The part of tfjs's wasm backend that holds data. */
interface WasmBackend {
  readSync(id: object): tf.backend_util.BackendValues;
  makeOutput(
    shape: number[],
    dtype: tf.DataType,
    offset?: number,
    values?: tf.backend_util.BackendValues,
  ): tf.TensorInfo;
}

/**
 * A wasm kernel that copies its inputs out of wasm memory, runs the cpu backend's kernel of that name and copies the
 * result back. The inputs stay where they are, unlike with tfjs's own moving of data between backends.
 */
export function onCpu(kernelName: string): tf.KernelFunc {
  const found = tf.getKernel(kernelName, 'cpu');
  if (found === undefined)
    throw new EngineError(`TensorFlow.js has no kernel ${kernelName} for its cpu backend.`);
  return ({ inputs, attrs, backend }) => {
    const wasm = backend as WasmBackend;
    const cpu = tf.findBackend('cpu') as unknown as CpuBackend;
    const copied: tf.TensorInfo[] = [];
    const copy = (info: tf.TensorInfo): tf.TensorInfo => {
      const made = cpu.makeTensorInfo(info.shape, info.dtype, wasm.readSync(info.dataId));
      copied.push(made);
      return made;
    };
    const borrowed = Array.isArray(inputs)
      ? inputs.map(copy)
      : Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, copy(info as tf.TensorInfo)]));
    const out = found.kernelFunc({ inputs: borrowed as tf.NamedTensorInfoMap, attrs, backend: cpu });
    const results = Array.isArray(out) ? out : [out];
    const returned = results.map((info) =>
      wasm.makeOutput(info.shape, info.dtype, undefined, cpu.data.get(info.dataId).values),
    );
    [...results, ...copied].forEach((info) => cpu.disposeIntermediateTensorInfo(info));
    return Array.isArray(out) ? returned : (returned[0] as tf.TensorInfo);
  };
}
