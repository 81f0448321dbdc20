import { makeEventDigits, type MakeOptions, type MakeResult } from './event-digits/make.js';
import { SENSOR } from './nmnist/folders.js';
import { NMNIST } from './nmnist/nmnist.js';

/** What there is to know about a data set before one has it. */
export interface DatasetInfo {
  /** Name for `bidl datasets make`, or of the published data set. */
  readonly name: string;
  /** What a config writes as `type`. */
  readonly type: string;
  readonly title: string;
  readonly classes: readonly string[];
  /** Height and width. */
  readonly sensor: readonly [number, number];
  /** Samples per folder. */
  readonly samples: Readonly<Record<string, number>>;
  /** How to get it, as a sentence. */
  readonly get: string;
  /** Makes it, where that can be done here. */
  readonly make?: (outDir: string, options?: MakeOptions) => Promise<MakeResult>;
}

/** The data sets known by name. */
export const catalogue: readonly DatasetInfo[] = [
  {
    name: 'event-digits',
    type: NMNIST.name,
    title: '10,000 real handwritten digits in front of a simulated event sensor (three saccades, 300 ms)',
    classes: NMNIST.CLASSES,
    sensor: SENSOR,
    samples: { Train: 7000, Val: 1000, Test: 2000 },
    get: 'bidl datasets make event-digits',
    make: makeEventDigits,
  },
  {
    name: 'N-MNIST',
    type: NMNIST.name,
    title: 'MNIST on a monitor, recorded by a moving event sensor (Orchard et al. 2015)',
    classes: NMNIST.CLASSES,
    sensor: SENSOR,
    samples: { Train: 60000, Test: 10000 },
    get: 'download Train.zip and Test.zip from https://www.garrickorchard.com/datasets/n-mnist and unpack both into one folder',
  },
];
