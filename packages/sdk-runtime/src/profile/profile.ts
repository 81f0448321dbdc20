import { sizeOf } from '@bidl/formats';
import {
  graphParts,
  nodeMacs,
  shapesOf,
  stateTable,
  type GraphPart,
  type InputNumbers,
  type StepGraph,
} from '@bidl/graph';
import { createPlan, type Plan, type PlanLibrary, preparePlan } from '@bidl/kernels';
import { performance } from 'node:perf_hooks';
import { operationsOf } from './operations.js';

/** What one operation of a network costs in a step. */
export interface OperationProfile {
  /** The value that it hands on: `clif1/conv`. */
  readonly name: string;
  /** What it computes: `conv2d`, `add+fire+resetDecay`. */
  readonly op: string;
  readonly layer: string;
  /** The median of all steps. */
  readonly time_us: number;
  /** Of the time of all operations, 0 to 1. */
  readonly share: number;
  /** Bytes of weights, inputs, outputs, and states in and out. */
  readonly bytes: number;
  /** Multiply-accumulates when no input is zero. */
  readonly macs: number;
  /** Share of its output that isn't zero: of a spiking neuron, its firing rate per step. */
  readonly activity: number;
}

export interface Profile {
  readonly network: string;
  /** Samples that ran together. */
  readonly batch: number;
  readonly samples: number;
  readonly steps: number;
  /** Time of a whole step, operations fused as the device has them; the median. */
  readonly step_us: number;
  /** Time of all operations run one after the other; what is over `step_us` is what fusing saves. */
  readonly operations_us: number;
  /** In order of execution. */
  readonly operations: readonly OperationProfile[];
}

/** Frames of samples that run together: by step, then by input of the graph, `[batch, ...shape]`. */
export type ProfileSample = readonly (readonly InputNumbers[])[];

export interface ProfileOptions {
  /** Samples that run together. Default 1. */
  readonly batch?: number;
  /** Threads of a step. Default: all that the library may use. */
  readonly threads?: number;
  readonly library?: PlanLibrary;
}

/**
 * Measures what every operation of a network takes: the network runs operation by operation on the native plan that
 * simulated devices run, each operation fed by the ones before it. What comes out is what the whole plan gives, to the
 * bit, and that is checked. The first sample warms up and is run again.
 *
 * @throws ProfileError when operations and whole differ
 *
 * @example
 * const { operations } = await profileGraph(artifact.graph, samples);
 * console.table(operations);
 */
export async function profileGraph(
  graph: StepGraph,
  samples: readonly ProfileSample[],
  options: ProfileOptions = {},
): Promise<Profile> {
  const { batch = 1 } = options;
  const library = options.library ?? (await preparePlan());
  const plan = (of: StepGraph) => createPlan(library, of, options.threads);
  const whole = new Stage(graph.name, graph, plan(graph), batch);
  const stages = inOrder(graph).map(({ name, graph: part }) => new Stage(name, part, plan(part), batch));
  const run = (sample: ProfileSample): void => {
    for (const stage of [whole, ...stages]) stage.reset();
    for (const frames of sample) {
      const given = graph.inputs.map(({ name }, k) => [name, bytesOf(frames[k])] as const);
      const [want, got] = [new Map(given), new Map(given)];
      whole.step(want);
      for (const stage of stages) stage.step(got);
      for (const { value } of graph.outputs) {
        if (Buffer.compare(want.get(value) ?? NONE, got.get(value) ?? NONE) === 0) continue;
        throw new ProfileError(`${graph.name}: run operation by operation, "${value}" comes out otherwise`);
      }
    }
  };
  samples.slice(0, 1).forEach(run);
  for (const stage of [whole, ...stages]) stage.forget();
  samples.forEach(run);
  const operations_us = stages.reduce((sum, stage) => sum + stage.time_us(), 0);
  return {
    network: graph.name,
    batch,
    samples: samples.length,
    steps: whole.steps,
    step_us: whole.time_us(),
    operations_us,
    operations: stages.map((stage) => stage.profile(operations_us)),
  };
}

/** The operations don't add up to the network. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

/** Operations in an order in which each finds what it reads. */
function inOrder(graph: StepGraph): GraphPart[] {
  const known = new Set(graph.inputs.map(({ name }) => name));
  const left = graphParts(graph, operationsOf(graph));
  const sorted: GraphPart[] = [];
  while (left.length > 0) {
    const next = left.findIndex(({ sources }) => sources.every(({ value }) => known.has(value)));
    const [part] = left.splice(next, 1);
    if (next < 0) throw new ProfileError(`${graph.name}: operations wait for each other`);
    for (const { value } of part.graph.outputs) known.add(value);
    sorted.push(part);
  }
  return sorted;
}

const NONE = new Uint8Array();
const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** A plan with its memory, and what was seen of it. */
class Stage {
  private readonly times: number[] = [];
  private active = 0;
  private readonly input: Uint8Array;
  private readonly output: Uint8Array;
  private readonly state: Uint8Array;

  constructor(
    private readonly name: string,
    private readonly graph: StepGraph,
    private readonly plan: Plan,
    private readonly n: number,
  ) {
    const { inputBytes, outputBytes, stateBytes } = plan.program;
    this.input = new Uint8Array(inputBytes * n);
    this.output = new Uint8Array(outputBytes * n);
    this.state = new Uint8Array(stateBytes * n);
  }

  reset(): void {
    this.plan.reset(this.state, this.n);
  }

  forget(): void {
    this.times.length = this.active = 0;
  }

  /** Takes what it reads from the values (`[n, ...shape]` by id), and adds what it makes. */
  step(values: Map<string, Uint8Array>): void {
    const { plan, input, output, state, n } = this;
    const { inputs, outputs, inputBytes, outputBytes } = plan.program;
    for (const { name, offset, bytes } of inputs) {
      const from = values.get(name) ?? NONE;
      for (let i = 0; i < n; i++)
        input.set(from.subarray(i * bytes, (i + 1) * bytes), i * inputBytes + offset);
    }
    const start = performance.now();
    plan.step(input, output, state, n);
    this.times.push(performance.now() - start);
    this.graph.outputs.forEach(({ value }, k) => {
      const { offset, bytes } = outputs[k];
      const made = new Uint8Array(n * bytes);
      for (let i = 0; i < n; i++) {
        const at = i * outputBytes + offset;
        made.set(output.subarray(at, at + bytes), i * bytes);
      }
      values.set(value, made);
    });
    this.active += new Float32Array(output.buffer).reduce((count, v) => (v === 0 ? count : count + 1), 0);
  }

  get steps(): number {
    return this.times.length;
  }

  time_us(): number {
    return 1000 * ([...this.times].sort((a, b) => a - b)[this.steps >> 1] ?? 0);
  }

  profile(total_us: number): OperationProfile {
    const { graph, n, output, steps, active } = this;
    const time_us = this.time_us();
    const { nodes, outputs, weights } = graph;
    const shapeOf = shapesOf(graph);
    const { inputBytes, outputBytes } = this.plan.program;
    const weightBytes = Object.values(weights).reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
    const moved = inputBytes + outputBytes + 2 * stateTable(graph).bytesPerSample;
    const shown = nodes.filter(({ op }) => !['load', 'save', 'constant'].includes(op));
    return {
      name: outputs[0]?.value ?? this.name,
      op: shown.map(({ op }) => op).join('+') || 'copy',
      layer: nodes[0]?.layer ?? this.name,
      time_us,
      share: total_us > 0 ? time_us / total_us : 0,
      bytes: weightBytes + n * moved,
      macs: n * nodes.reduce((sum, node) => sum + nodeMacs(node, shapeOf), 0),
      activity: active / Math.max(1, (steps * output.byteLength) / 4),
    };
  }
}
