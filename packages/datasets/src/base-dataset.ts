import { readFileSync } from 'node:fs';

import {
  channelsLast,
  Compose,
  isNdArray,
  type Layout,
  type PipelineStep,
  type Rng,
  type Sample,
} from '@bidl/pipelines';

import { type Accuracy, topK } from './accuracy.js';
import { DatasetError } from './errors.js';

/** Arguments of every data set, named as in configs. */
export interface DatasetArgs {
  /** Where the data are: a folder or a file name, as the data set likes it. */
  readonly data_prefix: string;
  /** Ops that each sample goes through. */
  readonly pipeline?: readonly PipelineStep[];
  /** Class names instead of the data set's own: a list, or a text file with one name per line. */
  readonly classes?: readonly string[] | string | null;
  /** A file of annotations, for data sets that have one. */
  readonly ann_file?: string | null;
  /** Set for validation and test. */
  readonly test_mode?: boolean;
}

/**
 * A data set: a list of samples and the pipeline that each goes through. Derive from it, say what the classes
 * are, and list the samples.
 *
 * @example
 * export class MyDataset extends BaseDataset {
 *   static override CLASSES = ['circle', 'square'];
 *   load_annotations() {
 *     return readFolder(this.data_prefix).map(({ frames, label }) => ({ img: frames, gt_label: label }));
 *   }
 * }
 * registerDataset(MyDataset);
 */
export abstract class BaseDataset {
  /** Names of the classes, in the order of their numbers. */
  static CLASSES: readonly string[] = [];
  /** Order of the axes of the samples' `img`: 'TCHW' arrays are turned once, to [T, H, W, C]. */
  static layout: Layout = 'THWC';

  readonly data_prefix: string;
  readonly ann_file: string | null;
  readonly test_mode: boolean;
  readonly pipeline: Compose;
  /** Names of the classes: the ones given, or the class's own. */
  readonly CLASSES: readonly string[];
  #infos: readonly Sample[] | undefined;

  constructor({ data_prefix, pipeline = [], classes, ann_file, test_mode }: DatasetArgs) {
    this.data_prefix = data_prefix;
    this.ann_file = ann_file ?? null;
    this.test_mode = test_mode ?? false;
    this.pipeline = new Compose(pipeline);
    this.CLASSES = classNames(classes) ?? this.#own.CLASSES;
  }

  /**
   * Lists all samples. Called once, at first use. A sample holds its data (`img`), or says where they are
   * (`file`) for an op that loads them; and its class number (`gt_label`).
   *
   * @throws DatasetError when there are no data: say how to get them
   */
  abstract load_annotations(): Sample[];

  /** The samples before the pipeline. */
  get data_infos(): readonly Sample[] {
    return (this.#infos ??= this.load_annotations());
  }

  /** Number of samples. */
  get length(): number {
    return this.data_infos.length;
  }

  /** One sample as it was listed, before the pipeline. */
  info(index: number): Sample {
    const info = this.data_infos[index];
    if (!info) {
      throw new DatasetError(
        `${this.constructor.name} has ${this.length} samples: there is no number ${index}`,
      );
    }
    return info;
  }

  /** One sample after the pipeline; everything random comes from `rng`. */
  get(index: number, rng: Rng): Sample {
    const info = this.info(index);
    const { layout } = this.#own;
    const sample = layout === 'THWC' || info.layout !== undefined ? info : { ...info, layout };
    return channelsLast(this.pipeline.apply(channelsLast(sample), rng));
  }

  /** Class number of a sample, -1 when it has none. */
  label(index: number): number {
    return labelOf(this.info(index)) ?? -1;
  }

  /** Class numbers of all samples. */
  labels(): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => this.label(i));
  }

  /**
   * Scores a network's results.
   *
   * @param logits [N, classes]: one row per sample
   * @param labels [N] class numbers; by default this data set's own
   * @returns percentages under upstream's names: `accuracy_top-1`, `accuracy_top-5`
   */
  evaluate(logits: readonly ArrayLike<number>[], labels: ArrayLike<number> = this.labels()): Accuracy {
    return topK(logits, labels, [1, 5]);
  }

  get #own(): typeof BaseDataset {
    return this.constructor as typeof BaseDataset;
  }
}

/** The class number of a sample; undefined when it has none. @throws DatasetError when it isn't one whole number */
export function labelOf({ gt_label }: Sample): number | undefined {
  if (gt_label === undefined || gt_label === null) return undefined;
  const value = isNdArray(gt_label) ? (gt_label.data.length === 1 ? gt_label.data[0] : undefined) : gt_label;
  const label = Number(value);
  if (!Number.isSafeInteger(label)) {
    throw new DatasetError(
      `gt_label must be one whole number, not ${String(isNdArray(gt_label) ? `an array of shape [${gt_label.shape.join(', ')}]` : gt_label)}`,
    );
  }
  return label;
}

function classNames(classes: DatasetArgs['classes']): readonly string[] | undefined {
  if (classes === undefined || classes === null) return undefined;
  if (typeof classes !== 'string') return classes;
  try {
    return readFileSync(classes, 'utf8').split(/\r?\n/).filter(Boolean);
  } catch (error) {
    throw new DatasetError(`the class names in ${classes} can't be read (${(error as Error).message})`);
  }
}
