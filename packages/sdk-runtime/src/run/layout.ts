import type { NdArray } from '@bidl/formats';
import { toHalfBits } from '@bidl/graph';
import { DATA_TYPES, type ModelDesc, type TensorAttr } from '../driver.js';
import { InputError } from '../errors.js';

/** Samples of one tensor: `[T, ...shape]`, or `[B, T, ...shape]` for a batch. */
export type SampleData = NdArray;

const list = (shape: readonly number[]) => `[${shape.join(', ')}]`;

/** Checks that data are `batch` samples of `steps` steps of a tensor. */
function checkShape(
  { tensorName, dims }: TensorAttr,
  { shape, data }: SampleData,
  steps: number,
  batch: number,
): void {
  const one = [steps, ...dims];
  const many = [batch, ...one];
  const fits = (wanted: readonly number[]) =>
    wanted.length === shape.length && wanted.every((d, i) => d === shape[i]);
  if ((fits(many) || (batch === 1 && fits(one))) && data.length === many.reduce((a, b) => a * b, 1)) return;
  const inner = shape.slice(-dims.length || shape.length);
  const sameInner = dims.every((d, i) => d === inner[i]);
  const reason =
    shape.length === many.length && sameInner && shape[0] !== batch
      ? `a batch of ${shape[0]}; the model was compiled for ${batch}`
      : sameInner && shape[shape.length - dims.length - 1] !== steps
        ? `T = ${String(shape[shape.length - dims.length - 1])}; the model takes ${steps} steps`
        : 'another shape';
  const wanted = batch === 1 ? `${list(one)} or ${list(many)}` : list(many);
  throw new InputError(`input "${tensorName}" is ${list(shape)}: ${reason}. Give ${wanted}`);
}

/** Numbers in the type that the device takes; like numpy's astype, fractions are cut off for bytes. */
function cast(
  data: SampleData['data'],
  dtype: TensorAttr['dtype'],
  isHalf: boolean,
): ArrayLike<number> & ArrayBufferView {
  if (isHalf && dtype === DATA_TYPES.float16) return data as Uint16Array;
  const numbers = data as unknown as ArrayLike<number> & ArrayBufferView;
  const kind = Object.prototype.toString.call(data);
  if (dtype === DATA_TYPES.uint8) return kind === '[object Uint8Array]' ? numbers : Uint8Array.from(numbers);
  if (dtype === DATA_TYPES.float16) return toHalfBits(numbers);
  return kind === '[object Float32Array]' ? numbers : Float32Array.from(numbers);
}

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/**
 * Lays samples out as the device wants them: step by step, sample by sample, tensor by tensor.
 *
 * @param tensors one for each input of the model, in its order
 * @param staging T x batch x `inputDataLen` bytes
 * @throws InputError for another number of tensors, another T, shape or batch
 */
export function fillStaging(
  staging: Uint8Array,
  desc: ModelDesc,
  tensors: readonly SampleData[],
  steps: number,
): void {
  const { inputTensorAttrArray: attrs, inputDataLen: each } = desc;
  if (tensors.length !== attrs.length) {
    const names = attrs.map(({ tensorName }) => tensorName).join(', ');
    throw new InputError(`the model takes ${attrs.length} input(s) (${names}), got ${tensors.length}`);
  }
  attrs.forEach((attr, k) => checkShape(attr, tensors[k], steps, attr.batchSize));
  attrs.forEach((attr, k) => {
    const { batchSize: batch, dataLen, offset } = attr;
    const bytes = bytesOf(cast(tensors[k].data, attr.dtype, tensors[k].dtype === 'float16'));
    for (let t = 0; t < steps; t++) {
      for (let b = 0; b < batch; b++) {
        const from = (b * steps + t) * dataLen;
        staging.set(bytes.subarray(from, from + dataLen), (t * batch + b) * each + offset);
      }
    }
  });
}

/**
 * Takes outputs apart: for each tensor `[T, ...shape]`, or `[T, B, ...shape]` for a batch.
 *
 * @param host T x batch x `outputDataLen` bytes
 */
export function splitOutputs(host: Uint8Array, desc: ModelDesc, steps: number): NdArray<Float32Array>[] {
  return desc.outputTensorAttrArray.map(({ dims, dataLen, dataNum, offset, batchSize: batch }) => {
    const data = new Float32Array(steps * batch * dataNum);
    const into = bytesOf(data);
    for (let i = 0; i < steps * batch; i++) {
      const from = i * desc.outputDataLen + offset;
      into.set(host.subarray(from, from + dataLen), i * dataLen);
    }
    return { dtype: 'float32', shape: [steps, ...(batch === 1 ? [] : [batch]), ...dims], data };
  });
}
