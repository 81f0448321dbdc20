import type * as tf from '@tensorflow/tfjs';
import { replaceKernel } from '../backend/replace-kernel.js';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

/** Shapes that are kept. A network has some tens, and a new batch size brings as many again. */
const MOST = 1024;

/**
 * Reshapes for less: one that changes nothing is another name for the same data, and what TensorFlow takes as the shape is
 * made once. tfjs-node makes a tensor of it at every call, which takes longer than the reshape, and a training step has
 * more than a hundred.
 */
export function reshapeByStoredShapes(): void {
  const stored = new Map<string, tf.TensorInfo>();
  replaceKernel('Reshape', 'tensorflow', (own) => (args) => {
    const x = args.inputs['x'] as tf.TensorInfo;
    const shape = args.attrs?.['shape'] as number[];
    if (x.dtype !== 'float32') return own(args);
    const backend = args.backend as TensorFlowBackend;
    const name = shape.join();
    if (name === x.shape.join()) {
      backend.incRef(x.dataId);
      return { dataId: x.dataId, shape, dtype: x.dtype };
    }
    const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
    const attributes = [
      { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: 'Tshape', type: TF_ATTR_TYPE, value: TF_INT32 },
    ];
    const size = [shape.length];
    let to = stored.get(name);
    if (to === undefined) {
      if (stored.size === MOST) {
        for (const { dataId } of stored.values()) backend.disposeData(dataId);
        stored.clear();
      }
      to = { dataId: backend.write(Int32Array.from(shape), size, 'int32'), shape: size, dtype: 'int32' };
      stored.set(name, to);
    }
    return backend.executeSingleOutput('Reshape', attributes, [x, to]);
  });
}
