import { GLB_BYTES } from '@bidl/graph';

/** What a target can take. */
export interface TargetLimits {
  readonly name: string;
  /** Samples that may run together; undefined: any number. */
  readonly batches?: readonly number[];
  /** Bytes of one state, all samples of a batch together. */
  readonly stateBytes: number;
  /** Bytes that go in, or come out, for one sample over all its steps, times the batch. */
  readonly transferBytes: number;
  /** Most axes of an input or output, the batch left out (a driver's tensor has 16 with it). */
  readonly axes: number;
  /** Bytes of on-chip memory that the states of a batch can lie in; undefined: there is none. */
  readonly glbBytes?: number;
}

const GIB = 2 ** 30;

/**
 * The chip: batches that upstream's compiler takes; LynSDK gives buffers of up to 1 GiB, and a state or a staging
 * buffer is one. Nobody publishes how large the GLB is: `GLB_BYTES` of `@bidl/graph` is our figure.
 */
export const APU: TargetLimits = {
  name: 'apu',
  batches: [1, 2, 4, 7, 14, 28],
  stateBytes: GIB,
  transferBytes: GIB,
  axes: 4,
  glbBytes: GLB_BYTES,
};

/** ONNX: a protobuf file is at most 2 GiB; nothing else is limited. */
export const ONNX: TargetLimits = { name: 'onnx', stateBytes: 2 * GIB, transferBytes: 2 * GIB, axes: 15 };
