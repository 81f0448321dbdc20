import { ndarray } from '@bidl/formats';
import { roundToHalf, type ElementType } from '@bidl/graph';
import type { Pass } from './rewrite.js';

/**
 * Weights and states kept in half precision: weights are rounded once, states whenever they are saved. Everything is
 * still computed in float32.
 */
export const storeFloat16: Pass = (graph) => ({
  ...graph,
  states: graph.states.map((slot) => ({ ...slot, dtype: 'float16' })),
  weights: Object.fromEntries(
    Object.entries(graph.weights).map(([id, { data, shape }]) => [
      id,
      ndarray(roundToHalf(data.slice()), shape),
    ]),
  ),
});

/** Inputs handed in as bytes, half or single precision. Event counts are whole numbers up to 255: bytes lose nothing. */
export const inputAs =
  (dtype: ElementType): Pass =>
  (graph) => ({
    ...graph,
    inputs: graph.inputs.map(({ name, type }) => ({ name, type: { ...type, dtype } })),
  });
