import * as tf from '@tensorflow/tfjs';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';
import type { Arrays, Formula } from './elementwise.js';
import { record } from './record.js';

const UPDATE = 'BidlUpdate';

interface UpdateAttributes extends tf.NamedAttrMap {
  readonly outputs: number;
  readonly program: number[];
}

/** Makes the op library's update a kernel of the `tensorflow` backend. */
export function registerUpdate(): void {
  if (tf.getKernel(UPDATE, 'tensorflow') !== undefined) return;
  tf.registerKernel({
    kernelName: UPDATE,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const tensorflow = backend as TensorFlowBackend;
      const tensors = Object.values(inputs) as tf.TensorInfo[];
      const { outputs, program } = attrs as UpdateAttributes;
      const type = tensorflow.binding.TF_ATTR_INT;
      const attributes = [
        { name: 'N', type, value: tensors.length - 1 },
        { name: 'M', type, value: outputs },
        { name: 'program', type, value: program },
      ];
      return tensorflow.executeMultipleOutputs(UPDATE, attributes, tensors, outputs);
    },
  });
}

/** A formula over lists of tensors as one operation; `undefined` where there is no kernel for it. */
export function updateFused(
  formula: Formula,
  lists: Arrays<readonly tf.Tensor[]>,
  consumed: ReadonlySet<string>,
): Record<string, tf.Tensor[]> | undefined {
  if (tf.getKernel(UPDATE, tf.getBackend()) === undefined) return undefined;
  const program = record(formula, Object.keys(lists), consumed);
  if (program === undefined) return undefined;
  const arrays = Object.values(lists).flat();
  const count = arrays.length / Object.keys(lists).length;
  const fresh = program.results.filter((name) => !consumed.has(name));
  const numbers = tf.tensor1d([...program.numbers], 'float32');
  const attributes: UpdateAttributes = { outputs: fresh.length * count, program: [...program.words] };
  // lists of inputs and outputs are arrays here, as for tfjs's own concat and split
  const made = tf
    .engine()
    .runKernel(
      UPDATE,
      [...arrays, numbers] as unknown as tf.NamedTensorMap,
      attributes,
    ) as unknown as tf.Tensor[];
  numbers.dispose();
  return {
    ...Object.fromEntries(program.results.map((name) => [name, [...(lists[name] ?? [])]])),
    ...Object.fromEntries(fresh.map((name, j) => [name, made.slice(j * count, (j + 1) * count)])),
  };
}
