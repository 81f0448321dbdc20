import type { tf } from '@bidl/engine';
import type { SpikingLayer, State } from '@bidl/neurons';
import { registry } from '@bidl/registry';
import { z } from 'zod';

/** How the layer ran that a regulariser looks at. */
export interface RegulariserRun {
  readonly training: boolean;
  readonly iteration: number;
  /** What the layer started from, where it goes on from an earlier part of the sequence. */
  readonly state?: State;
}

/** A term on what neurons do, added to the loss while training; differentiable in the layer's input and weights. */
export interface Regulariser {
  readonly type: string;
  /** Factor on the term. */
  readonly weight: number;
  /** Names of the layers it looks at; without, every layer of spiking neurons that {@link suits}. */
  readonly layers?: readonly string[];
  /** Whether the term means anything for this layer. */
  suits(layer: SpikingLayer): boolean;
  /**
   * The term of one layer, a scalar without `weight`.
   *
   * @param x the layer's input, `[B, T, ...]`
   * @param out its output, `[B, T, ...]`
   */
  term(layer: SpikingLayer, x: tf.Tensor, out: tf.Tensor, run: RegulariserRun): tf.Tensor;
}

/** The arguments that all regularisers share. */
export const regulariserKeys = {
  weight: z.number().nonnegative().default(1e-2).describe('factor on the term'),
  layers: z.array(z.string()).min(1).optional().describe('names of the layers; default: all that it suits'),
};

/** Regularisers by the names that configs use. */
export const regularisers = registry<Regulariser>('regulariser');
