import { resolve } from 'node:path';

import { type Sample } from '@bidl/pipelines';
import { z } from 'zod';

import { BaseDataset, type DatasetArgs } from '../base-dataset.js';
import { DatasetError } from '../errors.js';
import { registerDataset } from '../registry.js';
import { drawStratified } from '../stratify.js';
import { isFolder, listDigits, nameOf, sibling } from './folders.js';

/** Arguments of {@link NMNIST} beyond the usual ones. */
const shape = {
  /**
   * Which part of the folder: 'all' of it; 'train' or 'val', its two parts by a seeded draw; 'auto' (default):
   * all, but where there is no folder `Val`, it is drawn out of `Train`, and `Train` is the rest.
   */
  split: z.enum(['auto', 'all', 'train', 'val']).default('auto'),
  /** Share of the folder that 'val' gets. */
  val_ratio: z.number().gt(0).lt(1).default(0.1),
  /** Seed of the draw. */
  split_seed: z.int().default(0),
  /** Only these samples, counted after the split. */
  indices: z.array(z.int().min(0)).nullish(),
};

export type NmnistArgs = DatasetArgs & Partial<z.output<z.ZodObject<typeof shape>>>;

/**
 * N-MNIST (Orchard et al. 2015): handwritten digits seen by an event sensor, 34x34, 10 classes; and data sets of
 * its layout, like event-digits. `data_prefix` names the folder with the digits' folders, `.../Train`.
 *
 * As published it has `Train` and `Test` only. A config that asks for `Val` gets a seeded, stratified tenth of
 * `Train` then, and the same config's `Train` the other nine.
 *
 * Samples: `{ file, gt_label, sensor }`; let the pipeline begin with LoadEvents and EventsToFrames.
 */
export class NMNIST extends BaseDataset {
  static override CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
  readonly #args: NmnistArgs;

  constructor(args: NmnistArgs) {
    super(args);
    this.#args = args;
  }

  override load_annotations(): Sample[] {
    const { indices } = this.#args;
    const samples = this.#part().flat();
    if (!indices) return samples;
    return indices.map((index) => {
      const sample = samples[index];
      if (!sample) {
        throw new DatasetError(
          `NMNIST: indices names sample ${index}, but ${this.data_prefix} has ${samples.length} samples`,
        );
      }
      return sample;
    });
  }

  /** The samples of the wanted part, per digit. */
  #part(): Sample[][] {
    const folder = resolve(this.data_prefix);
    const { split = 'auto' } = this.#args;
    if (split !== 'auto') return split === 'all' ? listDigits(folder) : this.#draw(folder, split);
    const train = sibling(folder, 'Train');
    if (nameOf(folder) === 'Val' && !isFolder(folder) && isFolder(train)) return this.#draw(train, 'val');
    if (nameOf(folder) === 'Train' && !isFolder(sibling(folder, 'Val'))) return this.#draw(folder, 'train');
    return listDigits(folder);
  }

  #draw(folder: string, part: 'train' | 'val'): Sample[][] {
    const { val_ratio = 0.1, split_seed = 0 } = this.#args;
    const byDigit = listDigits(folder);
    const count = byDigit.reduce((sum, samples) => sum + samples.length, 0);
    const { drawn, rest } = drawStratified(byDigit, Math.round(count * val_ratio), split_seed);
    return part === 'val' ? drawn : rest;
  }
}

registerDataset(NMNIST, shape);
