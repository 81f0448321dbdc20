import { sizeOf } from '@bidl/formats';
import type { StepGraph } from '../graph.js';
import { shapesOf } from '../print/summary.js';
import { byteLength } from './memory.js';

/** What goes into a device or comes out of it, for one sample and one step. */
export interface Transfer {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export function transfers(graph: StepGraph): { inputs: Transfer[]; outputs: Transfer[] } {
  const shapeOf = shapesOf(graph);
  return {
    inputs: graph.inputs.map(({ name, type }) => ({ name, ...type, bytes: byteLength(type) })),
    outputs: graph.outputs.map(({ name, value }) => {
      const shape = shapeOf(value);
      return { name, dtype: 'float32', shape, bytes: sizeOf(shape) * 4 };
    }),
  };
}
