import { shapesOf, stateTable, type ElementType, type StepGraph } from '@bidl/graph';
import { CompileError, type Finding } from '../finding.js';
import type { TargetLimits } from './targets.js';

/** What a rule looks at beside the graph. */
export interface DesignContext {
  readonly target: TargetLimits;
  /** Samples that run together. */
  readonly batch: number;
  /** Where the states are to lie. Default DDR. */
  readonly memory?: 'ddr' | 'glb';
}

/** One rule: what of a graph breaks it. */
export type DesignRule = (graph: StepGraph, context: DesignContext) => Finding[];

/** The batch is one that the target has. */
export const batchSize: DesignRule = (graph, { target, batch }) => {
  const known = target.batches ? target.batches.includes(batch) : Number.isInteger(batch) && batch > 0;
  const choice = target.batches
    ? `choose one of ${target.batches.join(', ')}`
    : 'give a whole number above 0';
  return known
    ? []
    : [finding(graph.name, 'batch-size', `would run ${batch} samples together on ${target.name}`, choice)];
};

/** Every state fits into the target's state memory. */
export const stateSize: DesignRule = (graph, { target, batch }) =>
  graph.states.flatMap(({ key, shape, dtype }) => {
    const bytes = batch * size(shape) * BYTES[dtype];
    if (bytes <= target.stateBytes) return [];
    const what = `keeps ${mib(bytes)} in state "${key}" ([${shape.join(', ')}] x ${batch}, ${dtype}); ${target.name} has ${mib(target.stateBytes)}`;
    return [finding(layerOf(graph, key), 'state-size', what, smaller(batch, dtype))];
  });

/** Where the states are to lie on the chip, those of the whole batch fit there. */
export const stateMemory: DesignRule = (graph, { target, batch, memory }) => {
  const { glbBytes = 0 } = target;
  const { entries, bytesPerSample } = stateTable(graph);
  const bytes = batch * bytesPerSample;
  if (memory !== 'glb' || bytes <= glbBytes) return [];
  const [largest] = [...entries].sort((a, b) => b.bytes - a.bytes);
  const what = `has the largest of ${mib(bytes)} of states (batch ${batch}), which mode glb would keep on the chip; ${target.name} has ${mib(glbBytes)} there`;
  const remedy = smaller(batch, largest.dtype, 'mode ddr (--mode 2)');
  return [finding(layerOf(graph, largest.key), 'state-memory', what, remedy)];
};

/** What goes in and out over a whole sample fits into one buffer. */
export const transferSize: DesignRule = (graph, { target, batch }) => {
  const shapeOf = shapesOf(graph);
  const moved = [
    ...graph.inputs.map(({ name, type }) => ({ name, shape: type.shape, dtype: type.dtype })),
    ...graph.outputs.map(({ name, value }) => ({ name, shape: shapeOf(value), dtype: 'float32' as const })),
  ];
  return moved.flatMap(({ name, shape, dtype }) => {
    const bytes = batch * graph.timesteps * size(shape) * BYTES[dtype];
    if (bytes <= target.transferBytes) return [];
    const what = `moves ${mib(bytes)} as "${name}" over ${graph.timesteps} steps; ${target.name} has buffers of ${mib(target.transferBytes)}`;
    return [finding(graph.name, 'transfer-size', what, smaller(batch, dtype))];
  });
};

/** Inputs and outputs have no more axes than the target's tensors. */
export const axisCount: DesignRule = (graph, { target }) => {
  const shapeOf = shapesOf(graph);
  const values = [
    ...graph.inputs.map(({ name, type }) => ({ name, axes: type.shape.length })),
    ...graph.outputs.map(({ name, value }) => ({ name, axes: shapeOf(value).length })),
  ];
  return values
    .filter(({ axes }) => axes > target.axes)
    .map(({ name, axes }) =>
      finding(
        graph.name,
        'axis-count',
        `has "${name}" with ${axes} axes; ${target.name} takes ${target.axes}`,
        'reshape it in the network',
      ),
    );
};

export const DESIGN_RULES: readonly DesignRule[] = [
  batchSize,
  stateSize,
  stateMemory,
  transferSize,
  axisCount,
];

/** Everything in which a graph breaks the rules of a target. */
export const designFindings = (graph: StepGraph, context: DesignContext): Finding[] =>
  DESIGN_RULES.flatMap((rule) => rule(graph, context));

/** @throws CompileError with every finding, if there is one. */
export function assertDesign(graph: StepGraph, context: DesignContext): void {
  const findings = designFindings(graph, context);
  if (findings.length > 0) throw new CompileError(graph.name, findings);
}

const BYTES: Readonly<Record<ElementType, number>> = { float32: 4, float16: 2, uint8: 1 };
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const mib = (bytes: number): string => `${Number((bytes / 2 ** 20).toPrecision(4))} MiB`;

const finding = (layer: string, rule: string, what: string, remedy: string): Finding => ({
  layer,
  rule,
  what,
  remedy,
});

const layerOf = (graph: StepGraph, key: string): string =>
  graph.nodes.find(({ op, attrs }) => op === 'load' && attrs['key'] === key)?.layer ?? key;

function smaller(batch: number, dtype: ElementType, ...first: readonly string[]): string {
  const ways = [
    ...first,
    ...(batch > 1 ? ['a smaller batch'] : []),
    ...(dtype === 'float32' ? ['float16'] : []),
    'a stride or pooling in front',
  ];
  return `use ${ways.join(', or ')}`;
}
