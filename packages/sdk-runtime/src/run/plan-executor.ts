import type { StepGraph } from '@bidl/graph';
import { createPlan, type PlanField, preparePlan } from '@bidl/kernels';

/** What one step of a plan gives, as the reference executor gives it. */
export interface PlanStep {
  /** In the order of the graph's outputs, `[n, ...shape]` each. */
  readonly outputs: readonly Float32Array[];
  readonly state: ReadonlyMap<string, Float32Array>;
}

/** A graph on the native plan, without a device around it: for comparing layers one by one. */
export interface PlanExecutor {
  /** One step of n samples from a given state; `[n, ...shape]` each. */
  step(inputs: readonly Float32Array[], state: ReadonlyMap<string, Float32Array>, n: number): PlanStep;
}

/**
 * Makes the native plan of a graph whose inputs and states are float32. It agrees with the reference executor to the
 * bit, and is much faster.
 *
 * @throws RangeError for a graph with other formats; KernelError where the native library can't be built.
 *
 * @example
 * const plan = await openPlanExecutor(graph);
 * const { outputs } = plan.step([frame], createExecutor(graph).initialState(1), 1);
 */
export async function openPlanExecutor(graph: StepGraph): Promise<PlanExecutor> {
  const plan = createPlan(await preparePlan(), graph);
  const { inputs, outputs, states, inputBytes, outputBytes, stateBytes } = plan.program;
  const odd = [...inputs, ...states].find(({ format }) => format !== 'float32');
  if (odd) throw new RangeError(`"${odd.name}" is ${odd.format}; a plan executor takes float32 only`);
  const keys = graph.states.map(({ key }) => key);
  return {
    step(given, state, n) {
      const [input, output, memory] = [inputBytes, outputBytes, stateBytes].map(
        (bytes) => new Float32Array((bytes / 4) * n),
      );
      inputs.forEach((field, i) => scatter(given[i], field, input, inputBytes, n));
      states.forEach((field, i) => {
        const values = state.get(keys[i]);
        if (values) scatter(values, field, memory, stateBytes, n);
      });
      plan.step(input, output, memory, n);
      return {
        outputs: outputs.map((field) => gather(field, output, outputBytes, n)),
        state: new Map(states.map((field, i) => [keys[i], gather(field, memory, stateBytes, n)])),
      };
    },
  };
}

/** Lays `[n, ...shape]` into each sample's part of a memory. */
function scatter(
  values: Float32Array,
  field: PlanField,
  memory: Float32Array,
  each: number,
  n: number,
): void {
  const size = field.bytes / 4;
  for (let i = 0; i < n; i++) {
    memory.set(values.subarray(i * size, (i + 1) * size), (i * each + field.offset) / 4);
  }
}

/** The reverse of {@link scatter}. */
function gather(field: PlanField, memory: Float32Array, each: number, n: number): Float32Array {
  const size = field.bytes / 4;
  const values = new Float32Array(n * size);
  for (let i = 0; i < n; i++) {
    const start = (i * each + field.offset) / 4;
    values.set(memory.subarray(start, start + size), i * size);
  }
  return values;
}
