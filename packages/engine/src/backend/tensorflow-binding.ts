import type { TensorInfo, Tensor } from '@tensorflow/tfjs';

/** An attribute of a TensorFlow op, as the tfjs-node binding takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

/** What the native binding tells about a tensor that it holds. */
export interface BindingTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** What tfjs-node's backend holds for a tensor. */
export interface HeldTensor {
  readonly shape: number[];
  readonly dtype: number;
  readonly values: ArrayBufferView | null;
  id: number;
  readonly refCount: number;
}

/** The part of tfjs-node's backend (it has no public types of its own) that the engine uses. */
export interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: {
    readonly TF_FLOAT: number;
    readonly TF_INT32: number;
    readonly TF_UINT8: number;
    readonly TF_BOOL: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_FLOAT: number;
    readonly TF_ATTR_STRING: number;
    readonly TF_Version?: string;
    createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
    deleteTensor(id: number): void;
    executeOp(
      name: string,
      attributes: readonly OpAttribute[],
      inputs: readonly number[],
      outputs: number,
    ): BindingTensor[];
  };
  /** What stands behind every tensor; `id` is the binding's, negative where `values` are still to be given to it. */
  readonly tensorMap: {
    get(dataId: TensorInfo['dataId']): HeldTensor;
    set(dataId: TensorInfo['dataId'], held: HeldTensor): void;
  };
  /** The binding's ids for the inputs of an op, which every op asks for. */
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  readSync(dataId: TensorInfo['dataId']): ArrayBufferView;
  incRef(dataId: TensorInfo['dataId']): void;
  /** Holds values, which belong to no tensor yet. */
  write(values: ArrayBufferView, shape: readonly number[], dtype: TensorInfo['dtype']): TensorInfo['dataId'];
  /** Gives up values that `write` holds, or whatever a tensor holds; false while others use it too. */
  disposeData(dataId: TensorInfo['dataId'], force?: boolean): boolean;
  createOutputTensor(metadata: BindingTensor): Tensor;
  executeSingleOutput(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly TensorInfo[],
  ): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): Tensor[];
}

/** Whether a tfjs backend is tfjs-node's. */
export function isTensorFlowBackend(backend: unknown): backend is TensorFlowBackend {
  return (
    typeof backend === 'object' &&
    backend !== null &&
    'binding' in backend &&
    'executeSingleOutput' in backend
  );
}
