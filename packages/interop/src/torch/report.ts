/** One weight that was found: which key of the file became which weight of the network. */
export interface MappedWeight {
  readonly from: string;
  readonly to: string;
  readonly fromShape: readonly number[];
  readonly toShape: readonly number[];
  /** How its elements were moved (`OIHW -> HWIO`), or nothing where they lie as they did. */
  readonly turned: string;
}

/** A key of the file that no weight of the network takes. */
export interface UnusedKey {
  readonly key: string;
  readonly shape: readonly number[];
}

/** A weight of the network that the file has no key for. */
export interface MissingWeight {
  readonly name: string;
  /** Its shape in PyTorch. */
  readonly shape: readonly number[];
  /** The unused key that is spelt most like it. */
  readonly nearest?: string;
}

/** A weight whose key is there with another shape. Both shapes are PyTorch's. */
export interface MisshapenWeight {
  readonly key: string;
  readonly name: string;
  readonly file: readonly number[];
  readonly network: readonly number[];
}

/** What became of every key of a file and of every weight of a network. */
export interface MappingReport {
  readonly mapped: readonly MappedWeight[];
  /** Keys that stand for nothing here: BatchNorm's batch counters, and values that are no tensors. */
  readonly ignored: readonly string[];
  readonly unused: readonly UnusedKey[];
  readonly missing: readonly MissingWeight[];
  readonly misshapen: readonly MisshapenWeight[];
}
