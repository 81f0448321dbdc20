import type { Ops } from './ops.js';

/** What one time step gives: the layer's output and the state that the next step starts from. */
export interface StepResult<S extends string, T> {
  readonly out: T;
  readonly state: Readonly<Record<S, T>>;
}

/**
 * A neuron: a recurrence whose state is a value.
 *
 * `state` names the state variables with their initial values, `params` the parameters with their defaults
 * (each a scalar or one value per channel at run time), and `step` is the whole of the dynamics, written
 * in {@link Ops}.
 */
export interface NeuronDefinition<S extends string = string, P extends string = string> {
  readonly name: string;
  readonly state: Readonly<Record<S, number>>;
  readonly params: Readonly<Record<P, number>>;
  /** Parameters that a layer trains unless told otherwise. Default: none. */
  readonly learn?: readonly NoInfer<P>[];
  /** Whether `out` is spikes, rather than a membrane. Default true. */
  readonly spikes?: boolean;
  step<T>(o: Ops<T>, x: T, state: Readonly<Record<S, T>>, params: Readonly<Record<P, T>>): StepResult<S, T>;
}

export class NeuronDefinitionError extends Error {
  override readonly name = 'NeuronDefinitionError';
}

/**
 * Declares a neuron. The names in `state` and `params` type the arguments of `step`.
 *
 * @throws NeuronDefinitionError when there is no state or an initial value is not a finite number.
 *
 * @example
 * const integrator = defineNeuron({
 *   name: 'integrator',
 *   state: { v: 0 },
 *   params: { leak: 0.9 },
 *   step: (o, x, { v }, p) => {
 *     const u = o.add(o.mul(p.leak, v), x);
 *     return { out: u, state: { v: u } };
 *   },
 * });
 */
export function defineNeuron<const S extends string, const P extends string>(
  definition: NeuronDefinition<S, P>,
): NeuronDefinition<S, P> {
  if (Object.keys(definition.state).length === 0) {
    throw new NeuronDefinitionError(`neuron "${definition.name}" has no state: give at least one variable`);
  }
  for (const [kind, values] of Object.entries({ state: definition.state, params: definition.params })) {
    for (const [key, value] of Object.entries<number>(values)) {
      if (!Number.isFinite(value)) {
        throw new NeuronDefinitionError(
          `neuron "${definition.name}": ${kind}.${key} is ${value}; give a finite number`,
        );
      }
    }
  }
  return definition;
}

/** The same neuron with a state variable, after each step, for its output. */
export function showState<S extends string, P extends string>(
  neuron: NeuronDefinition<S, P>,
  variable: S,
): NeuronDefinition<S, P> {
  return {
    ...neuron,
    name: `${neuron.name}/${variable}`,
    spikes: false,
    step: (o, x, given, params) => {
      const { state } = neuron.step(o, x, given, params);
      return { out: state[variable], state };
    },
  };
}
