import { reachable } from '../expression/gradient.js';
import type { NeuronDefinition } from '../neuron.js';
import type { Surrogate } from '../surrogates/surrogate.js';
import { batchPasses } from './batch.js';
import { passSource } from './cpp.js';
import { independentPasses } from './independent.js';
import { NotFusableError, type Batch, type Independent, type Pass } from './pass.js';
import { affine, trace } from './trace.js';

/** A neuron's fused scan: its source and what a caller has to know of it. */
export interface NeuronKernel {
  /**
   * C++: functions over rows of neurons and the constant `neuron`, a `BidlNeuron` of native/scan/neuron.h. Depends on
   * the structure of the equations alone: definitions that differ in names or numbers share it.
   */
  readonly source: string;
  /** The numbers that go with it, as float32. */
  readonly constants: readonly number[];
  /** Whether BatchNorm, and training noise, have a place in the equations. */
  readonly hasNorm: boolean;
  readonly hasNoise: boolean;
  /** Whether the backward pass over batch statistics reads the input again, beside what the forward pass keeps. */
  readonly batchReadsInput: boolean;
}

/**
 * Emits a neuron's fused scan, forward and backward, with this surrogate.
 *
 * @throws NotFusableError when the step uses `norm` or `perturb` twice, or `perturb` on something else than the result
 *   of `norm`; such a neuron runs composed
 * @example
 * emitKernel(lif(), rectangle()).source; // 'namespace plain { void step(const BidlRows& rows) { ...'
 */
export function emitKernel(neuron: NeuronDefinition, surrogate: Surrogate): NeuronKernel {
  let norms = 0;
  let noises = 0;
  const step = trace(neuron, surrogate, () => ({
    norm: (x) => (norms++, x),
    perturb: (x) => (noises++, x),
  }));
  if (norms > 1) throw new NotFusableError('its step uses norm more than once');
  if (noises > 1) throw new NotFusableError('its step uses perturb more than once');
  const hasNorm = norms === 1;
  const plain = independentPasses(step);
  const running = hasNorm
    ? independentPasses(
        trace(neuron, surrogate, (graph) => ({ norm: (s) => affine(graph, s) })),
        ['scale', 'shift'],
      )
    : undefined;
  const batch = norms + noises > 0 ? batchPasses(neuron, surrogate, hasNorm) : undefined;
  const source = [
    independentSource('plain', plain),
    running
      ? independentSource('running', running)
      : 'namespace running { const BidlIndependent passes = {}; }',
    batch ? batchSource(batch) : 'namespace batch { const BidlBatch passes = {}; }',
    `const BidlNeuron neuron = {BIDL_NEURON_ABI, ${step.states.length}, ${step.params.length}, ` +
      `${step.graph.constants.length}, ${hasNorm}, ${noises === 1}, plain::passes, running::passes, batch::passes};`,
  ].join('\n');
  return {
    source,
    constants: step.graph.constants,
    hasNorm,
    hasNoise: noises === 1,
    batchReadsInput: batch !== undefined && readsInput(batch.backAfter, batch.backBefore),
  };
}

function independentSource(name: string, { step, remember, back, kept }: Independent): string {
  const table = `{step, remember, {back, back_learn}, ${kept}, ${readsInput(back)}}`;
  return namespace(name, 'BidlIndependent', table, { step, remember, back: back[0], back_learn: back[1] });
}

function batchSource({ before, after, backAfter, backBefore, kept, carried }: Batch): string {
  const mask = carried.reduce((bits, isCarried, k) => bits | (isCarried ? 1 << k : 0), 0);
  const table =
    '{before, after, {back_after, back_after_learn}, {back_before, back_before_learn}, ' +
    `${kept}, ${mask}, ${reads(after, 'x')}, ${readsInput(backAfter, backBefore)}}`;
  return namespace('batch', 'BidlBatch', table, {
    before,
    after,
    back_after: backAfter[0],
    back_after_learn: backAfter[1],
    back_before: backBefore[0],
    back_before_learn: backBefore[1],
  });
}

function namespace(
  name: string,
  type: string,
  table: string,
  passes: Readonly<Record<string, Pass>>,
): string {
  const functions = Object.entries(passes).map(([pass, content]) => passSource(pass, content));
  return [`namespace ${name} {`, ...functions, `const ${type} passes = ${table};`, '}'].join('\n');
}

/** Whether a pass reads this leaf. */
function reads({ stores, sums, kept = new Map() }: Pass, leaf: string): boolean {
  const roots = [...stores, ...sums].map(([, value]) => value);
  return reachable(roots, new Set(kept.keys())).some(
    (node) => !kept.has(node) && node.kind === 'leaf' && node.name === leaf,
  );
}

const readsInput = (...passes: readonly (readonly Pass[])[]): boolean =>
  passes.flat().some((pass) => reads(pass, 'x'));
