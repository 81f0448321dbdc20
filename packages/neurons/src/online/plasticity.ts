import { tf } from '@bidl/engine';

/** Eligibility traces of both sides of a synapse. */
export interface Traces {
  /** `[pre]` */
  readonly pre: tf.Tensor1D;
  /** `[post]` */
  readonly post: tf.Tensor1D;
}

export interface TraceOptions {
  /** Time constants in units of `dt`'s. Default 20 both. */
  readonly tau_pre?: number;
  readonly tau_post?: number;
  /** Length of a time step. Default 1. */
  readonly dt?: number;
  /** What a spike adds. Default 1. */
  readonly trace_scale?: number;
  /** True: spikes add up. False: a spike sets the trace to `trace_scale`. Default true. */
  readonly traces_additive?: boolean;
}

/** Spikes of one time step. */
export interface Spikes {
  /** `[pre]` */
  readonly pre: tf.Tensor1D;
  /** `[post]` */
  readonly post: tf.Tensor1D;
}

/** Rates of the rule's two halves: at a presynaptic spike, and at a postsynaptic one. */
export type Rates = readonly [pre: number, post: number];

export const zeroTraces = (pre: number, post: number): Traces => ({
  pre: tf.zeros([pre]),
  post: tf.zeros([post]),
});

/**
 * The traces after a time step.
 *
 *     x ← x·e^(−dt/τ) + κ·s                additive
 *     x ← x·e^(−dt/τ)·(1 − s) + κ·s        not additive
 *
 * The postsynaptic trace that isn't additive doesn't decay, as upstream has it. Source: Lynxi BIDL 1.9, `stdp.py`.
 */
export function advanceTraces(traces: Traces, spikes: Spikes, options: TraceOptions = {}): Traces {
  const { tau_pre = 20, tau_post = 20, dt = 1, trace_scale = 1, traces_additive = true } = options;
  const after = (x: tf.Tensor1D, s: tf.Tensor1D, decay: number): tf.Tensor1D => {
    const rest = traces_additive ? x.mul<tf.Tensor1D>(decay) : x.mul<tf.Tensor1D>(decay).mul(tf.sub(1, s));
    return rest.add(s.mul(trace_scale));
  };
  return {
    pre: after(traces.pre, spikes.pre, Math.exp(-dt / tau_pre)),
    post: after(traces.post, spikes.post, traces_additive ? Math.exp(-dt / tau_post) : 1),
  };
}

/**
 * Pair-based spike-timing-dependent plasticity over traces that have seen this step's spikes already, `[pre, post]`:
 *
 *     ΔW = ν₁·x_preᵀ·s_post − ν₀·s_preᵀ·x_post
 *
 * Morrison et al. 2008, "Phenomenological models of synaptic plasticity based on spike timing".
 */
export const stdp = (traces: Traces, spikes: Spikes, nu: Rates): tf.Tensor2D =>
  tf.sub(
    tf.outerProduct(traces.pre, spikes.post).mul(nu[1]),
    tf.outerProduct(spikes.pre, traces.post).mul(nu[0]),
  );

/**
 * Hebb's rule, "fire together, wire together": whichever side fires last, the synapse grows, `[pre, post]`.
 *
 *     ΔW = ν₁·x_preᵀ·s_post + ν₀·s_preᵀ·x_post
 *
 * Nothing holds the weights back: clip or normalise them.
 */
export const hebbian = (traces: Traces, spikes: Spikes, nu: Rates): tf.Tensor2D =>
  stdp(traces, spikes, [-nu[0], nu[1]]);

/**
 * The reward of every neuron when each class has a group of them, `[post]`: 1 for the label's class and 0 for the
 * others, less the mean of the group's spikes. Neuron i belongs to class ⌊i / neurons_num⌋.
 *
 * @param label one-hot, `[class]`
 */
export function groupReward(post: tf.Tensor1D, label: tf.Tensor1D, neurons_num: number): tf.Tensor1D {
  const groups = post.reshape<tf.Tensor2D>([label.size, neurons_num]);
  const reward = label.sub(groups.mean(1)).expandDims(1);
  return tf.tile(reward, [1, neurons_num]).reshape([post.size]);
}
