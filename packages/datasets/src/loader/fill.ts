import { type NdArray, toFloat32 } from '@bidl/formats';
import { imageOf, rngFor, type Sample } from '@bidl/pipelines';

import { type BaseDataset, labelOf } from '../base-dataset.js';
import { LoaderError } from '../errors.js';
import { located } from './sample-error.js';
import { sampleSize, type Slot, type SlotPlan } from './slot.js';

/** What is known about a data set once one sample has been made. */
export interface DatasetFacts {
  readonly length: number;
  readonly classes: readonly string[];
  readonly sampleShape: readonly number[];
  readonly dtype: SlotPlan['dtype'];
}

/** Makes the first sample to learn what samples look like. */
export function probe(dataset: BaseDataset, seed: number): DatasetFacts {
  const { length, CLASSES: classes } = dataset;
  if (length === 0) return { length, classes, sampleShape: [], dtype: 'uint8' };
  return located(dataset, 0, () => {
    const img = imgOf(dataset.get(0, rngFor(seed, 0, 0)));
    return { length, classes, sampleShape: img.shape, dtype: isBytes(img) ? 'uint8' : 'float32' };
  });
}

/**
 * Makes the samples named in `slot.index` and writes them into the slot. What is random about a sample depends
 * on seed, epoch and its number only.
 *
 * @param cancelled asked before every sample
 * @returns false when cancelled
 * @throws the error of the first sample that fails, with its number and file
 */
export function fillSlot(
  dataset: BaseDataset,
  slot: Slot,
  plan: SlotPlan,
  task: { readonly seed: number; readonly epoch: number; readonly count: number },
  cancelled: () => boolean = () => false,
): boolean {
  const size = sampleSize(plan);
  for (let i = 0; i < task.count; i++) {
    if (cancelled()) return false;
    const index = slot.index[i] ?? 0;
    located(dataset, index, () => {
      const sample = dataset.get(index, rngFor(task.seed, task.epoch, index));
      const img = imgOf(sample);
      checkShape(img, plan);
      slot.img.set(plan.dtype === 'uint8' ? (img.data as Uint8Array) : toFloat32(img), i * size);
      slot.gt_label[i] = labelOf(sample) ?? dataset.label(index);
    });
  }
  return true;
}

function imgOf(sample: Sample): NdArray {
  if (sample.pack) {
    throw new LoaderError(
      'the sample is still packed bits: put { type: "ToNdarr", dtype: "float32" } into the pipeline',
    );
  }
  return imageOf(sample, 'the batch loader');
}

function isBytes({ dtype }: NdArray): boolean {
  return dtype === 'uint8' || dtype === 'bool';
}

function checkShape(img: NdArray, plan: SlotPlan): void {
  const { sampleShape } = plan;
  const same = img.shape.length === sampleShape.length && img.shape.every((n, i) => n === sampleShape[i]);
  if (!same) {
    throw new LoaderError(
      `img has shape [${img.shape.join(', ')}], but the first sample has [${sampleShape.join(', ')}]: samples of a` +
        ' batch must be alike (crop or resize them in the pipeline)',
    );
  }
  if (plan.dtype === 'uint8' && !isBytes(img)) {
    throw new LoaderError(
      `img is ${img.dtype}, but the first sample is uint8: convert all samples with { type: "ToTensorType" }`,
    );
  }
}
