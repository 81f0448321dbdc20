import { stateTable, type StatePlacement, type StepGraph } from '@bidl/graph';
import type { TargetLimits } from '../rules/targets.js';

/** Where states lie, in the order of upstream's `--mode`: 0 the compiler chooses, 1 on the chip, 2 beside it. */
export const STATE_MODES = ['auto', 'glb', 'ddr'] as const;
export type StateMode = (typeof STATE_MODES)[number];

/** What upstream's compiler is told beside the graph. */
export interface ChipOptions {
  /** Samples that run together: 1, 2, 4, 7, 14 or 28. Default 1. */
  readonly batch?: number;
  /** Default `auto`: GLB under version 1 where the states of a batch fit into it, else DDR. */
  readonly mode?: StateMode;
  /**
   * The states' base address is found out when the model is loaded, so that several models can be resident
   * (upstream's MULTINET). Default false: it is fixed, and one such model fits on a device.
   */
  readonly multinet?: boolean;
  /**
   * Version of the model format: 0 knows single samples with states in DDR, 1 batches and GLB too. As upstream's
   * compiler has it, a batch above 1 or mode `glb` makes it 1 whatever is asked for. Default 0.
   */
  readonly version?: 0 | 1;
  /** What the chip's host does with outputs (`1005` and the like); handed on in the manifest, nothing here reads it. */
  readonly postMode?: number;
}

/** The options with all choices made. */
export interface ChipSettings {
  readonly version: 0 | 1;
  readonly mode: StateMode;
  readonly multinet: boolean;
  readonly postMode?: number;
  readonly placement: StatePlacement;
}

/** The version that a batch and a mode allow. */
export const compilerVersion = ({ batch = 1, mode = 'auto', version = 0 }: ChipOptions): 0 | 1 =>
  batch > 1 || mode === 'glb' ? 1 : version;

/** Makes the choices that options leave open. */
export function chipSettings(
  graph: StepGraph,
  options: ChipOptions,
  { glbBytes = 0 }: TargetLimits,
): ChipSettings {
  const { batch = 1, mode = 'auto', multinet = false, postMode } = options;
  const version = compilerVersion(options);
  const fits = version === 1 && batch * stateTable(graph).bytesPerSample <= glbBytes;
  const memory = mode === 'auto' ? (fits ? 'glb' : 'ddr') : mode;
  return {
    version,
    mode,
    multinet,
    ...(postMode !== undefined && { postMode }),
    placement: { memory, relocatable: multinet },
  };
}
