import * as tf from '@tensorflow/tfjs';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

const SPREAD = 'BidlSpread';

/** Tensors whose values nobody has asked for yet, and what they repeat. */
const waiting = new WeakMap<tf.TensorInfo['dataId'], tf.Tensor>();

/**
 * `x`, of length 1 on some axes, repeated along them to `shape`. With the op library, memory is filled only when something
 * reads all of it: the gradient of a sum over a sequence is one number for every step of every neuron.
 */
export function spread(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const name = shape.join();
  if (x.shape.join() === name) return tf.clone(x);
  if (tf.getKernel(SPREAD, tf.getBackend()) === undefined || x.dtype !== 'float32') {
    return tf.broadcastTo(x, [...shape] as tf.ShapeMap[tf.Rank]);
  }
  return tf.engine().runKernel(SPREAD, { x }, { shape: [...shape] }) as unknown as tf.Tensor;
}

/** What a tensor repeats, of the same rank, as long as nobody has asked for all of it. */
export const repeated = (tensor: tf.Tensor): tf.Tensor | undefined => waiting.get(tensor.dataId);

/** Lets a TensorFlow backend hold tensors that repeat another one until something reads them. */
export function holdSpreads(backend: TensorFlowBackend): void {
  if (tf.getKernel(SPREAD, 'tensorflow') !== undefined) return;
  const { binding, tensorMap } = backend;
  tf.registerKernel({
    kernelName: SPREAD,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => {
      const shape = attrs?.['shape'] as number[];
      const dataId = {};
      waiting.set(dataId, tf.keep((inputs['x'] as tf.Tensor).clone()));
      tensorMap.set(dataId, { shape, dtype: binding.TF_FLOAT, values: null, id: -1, refCount: 1 });
      return { dataId, shape, dtype: 'float32' };
    },
  });
  tf.registerGradient({
    kernelName: SPREAD,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => {
      const of = dy as tf.Tensor;
      const axes = of.shape.flatMap((length, axis) => (length === x.shape[axis] ? [] : [axis]));
      return { x: () => tf.sum(of, axes, true) };
    },
  });

  const release = (dataId: tf.TensorInfo['dataId']): void => {
    const x = waiting.get(dataId);
    waiting.delete(dataId);
    x?.dispose();
  };
  const fill = (dataId: tf.TensorInfo['dataId']): void => {
    const x = waiting.get(dataId);
    if (x === undefined) return;
    const held = tensorMap.get(dataId);
    const times = Int32Array.from(held.shape, (length, axis) => length / x.shape[axis]);
    const reps = binding.createTensor([times.length], binding.TF_INT32, times);
    const attributes = [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'Tmultiples', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
    ];
    const [filled] = binding.executeOp('Tile', attributes, [...backend.getInputTensorIds([x]), reps], 1);
    binding.deleteTensor(reps);
    held.id = filled.id;
    release(dataId);
  };
  const { getInputTensorIds, readSync, disposeData } = backend;
  backend.getInputTensorIds = (tensors) => {
    for (const { dataId } of tensors) fill(dataId);
    return getInputTensorIds.call(backend, tensors);
  };
  backend.readSync = (dataId) => {
    fill(dataId);
    return readSync.call(backend, dataId);
  };
  backend.disposeData = (dataId, force) => {
    const gone = disposeData.call(backend, dataId, force);
    if (gone) release(dataId);
    return gone;
  };
}
