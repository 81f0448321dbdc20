import type { NdArray } from '@bidl/formats';
import { z } from 'zod';
import { GraphError, type StepGraph } from './graph.js';
import { isOpName, type OpName } from './ops/table.js';

const shape = z.array(z.int().min(1)).readonly();
const name = z.string().min(1);
const attribute = z.union([z.number(), z.string(), z.boolean(), z.array(z.number()).readonly()]);

export const valueTypeSchema = z.strictObject({ shape, dtype: z.enum(['float32', 'uint8', 'float16']) });

export const nodeSchema = z.strictObject({
  id: name,
  op: z.custom<OpName>((op) => typeof op === 'string' && isOpName(op), { error: 'is no operation' }),
  inputs: z.array(name).readonly(),
  attrs: z.record(z.string(), attribute).readonly(),
  type: valueTypeSchema,
  layer: z.string(),
});

export const stateSlotSchema = z.strictObject({
  key: name,
  shape,
  initial: z.number(),
  dtype: z.enum(['float32', 'float16']),
});

const isWeight = (value: unknown): boolean => {
  const array = value as Partial<NdArray> | null;
  return (
    typeof array === 'object' &&
    array !== null &&
    array.dtype === 'float32' &&
    Array.isArray(array.shape) &&
    ArrayBuffer.isView(array.data) &&
    Object.prototype.toString.call(array.data) === '[object Float32Array]'
  );
};

/** A graph without its weights: what a JSON file can hold. */
export const graphOutlineSchema = z.strictObject({
  format: z.literal('bidl-step-graph'),
  version: z.literal(1),
  name,
  timesteps: z.int().min(1),
  inputs: z.array(z.strictObject({ name, type: valueTypeSchema })).readonly(),
  outputs: z.array(z.strictObject({ name, value: name })).readonly(),
  nodes: z.array(nodeSchema).readonly(),
  states: z.array(stateSlotSchema).readonly(),
});

export type GraphOutline = z.infer<typeof graphOutlineSchema>;

/** The form of a {@link StepGraph}; what the parts mean together is up to `checkGraph`. */
export const stepGraphSchema = graphOutlineSchema.extend({
  weights: z
    .record(
      z.string(),
      z.custom<NdArray<Float32Array>>(isWeight, { error: 'is no NdArray over a Float32Array' }),
    )
    .readonly(),
});

/**
 * Takes foreign data for a graph, if it has the form of one.
 *
 * @throws GraphError that names the place and what was expected
 */
export function parseGraph(data: unknown): StepGraph {
  const parsed = stepGraphSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join('.') || 'graph'}: ${message}`,
  );
  throw new GraphError(`this is no step graph: ${problems.join('; ')}`, problems);
}
