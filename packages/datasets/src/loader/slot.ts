/** What a batch looks like: enough to lay out its memory. */
export interface SlotPlan {
  readonly batchSize: number;
  readonly sampleShape: readonly number[];
  readonly dtype: 'uint8' | 'float32';
}

/** The memory of one batch, seen as arrays. Worker and main thread have views of the same memory. */
export interface Slot {
  readonly img: Uint8Array | Float32Array;
  readonly gt_label: Int32Array;
  readonly index: Int32Array;
}

/** Number of values of one sample. */
export function sampleSize({ sampleShape }: Pick<SlotPlan, 'sampleShape'>): number {
  return sampleShape.reduce((product, n) => product * n, 1);
}

/** Shared memory for one batch: indices and labels first (they need alignment), then the samples. */
export function allocateSlot(plan: SlotPlan): SharedArrayBuffer {
  const item = plan.dtype === 'uint8' ? 1 : 4;
  return new SharedArrayBuffer(8 * plan.batchSize + item * plan.batchSize * sampleSize(plan));
}

/** The arrays in a slot's memory. */
export function viewSlot(memory: SharedArrayBuffer, plan: SlotPlan): Slot {
  const { batchSize } = plan;
  const values = batchSize * sampleSize(plan);
  return {
    index: new Int32Array(memory, 0, batchSize),
    gt_label: new Int32Array(memory, 4 * batchSize, batchSize),
    img:
      plan.dtype === 'uint8'
        ? new Uint8Array(memory, 8 * batchSize, values)
        : new Float32Array(memory, 8 * batchSize, values),
  };
}
