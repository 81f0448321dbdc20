import { checkGraph, type ElementType, type StepGraph } from '@bidl/graph';
import { foldConstants } from './fold-constants.js';
import { foldSynapticNorm } from './fold-norm.js';
import { foldRecurrentNorm } from './fold-recurrent-norm.js';
import { fuseFireReset } from './fuse-fire-reset.js';
import type { Pass } from './rewrite.js';
import { inputAs, storeFloat16 } from './store.js';

export interface OptimiseOptions {
  /** BatchNorm into weights and state factors. Default true. */
  readonly foldNorm?: boolean;
  /** Fused fire, reset and decay. Default true; layers with `channel_share` never are. */
  readonly fuse?: boolean;
  /** How weights and states are kept. Default float32. */
  readonly storage?: 'float32' | 'float16';
  /** How inputs are handed in. Default float32. */
  readonly inputType?: ElementType;
}

/** The passes that options ask for, in the order in which they help each other. */
export function passesFor(options: OptimiseOptions = {}): Pass[] {
  const { foldNorm = true, fuse = true, storage = 'float32', inputType = 'float32' } = options;
  return [
    ...(foldNorm ? [foldSynapticNorm, foldRecurrentNorm] : []),
    ...(fuse ? [fuseFireReset] : []),
    foldConstants,
    ...(storage === 'float16' ? [storeFloat16] : []),
    inputAs(inputType),
  ];
}

/** Runs the passes over a captured graph. The result is checked. */
export const optimise = (graph: StepGraph, options: OptimiseOptions = {}): StepGraph =>
  checkGraph(passesFor(options).reduce((now, pass) => pass(now), graph));
