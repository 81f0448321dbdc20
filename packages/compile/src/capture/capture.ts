import type { tf } from '@bidl/engine';
import { graphBuilder, GraphError, type StepGraph, type ValueRef } from '@bidl/graph';
import {
  Aggregation,
  Delay,
  isStateful,
  OverTime,
  SpikingLayer,
  StepError,
  walk,
  type Place,
} from '@bidl/neurons';
import { CompileError, Unsupported, type Finding } from '../finding.js';
import { captureAggregation } from './aggregation.js';
import { captureDelay } from './delay.js';
import { capturePerStep } from './per-step.js';
import { scopes, type Scope } from './scope.js';
import { captureSpiking } from './spiking.js';
import { captureStateless } from './stateless.js';

/** Name of a network's one input and one output in its graph. */
export const INPUT = 'data';
export const OUTPUT = 'logits';

export interface CaptureOptions {
  /** Steps of a sample; needed where the model itself leaves them open. */
  readonly timesteps?: number;
}

/**
 * Writes a network down as a {@link StepGraph}: one time step in, one out, its state in slots with one reader and one
 * writer each. Weights keep their places as names; neurons enter through their own equations, so one that a user
 * defined needs nothing more.
 *
 * The graph's output is the running one: complete after the last step.
 *
 * @throws CompileError with a finding for each layer that has no operations to compile to.
 *
 * @example
 * const graph = capture(model);
 * const { step, initialState } = createExecutor(graph);
 */
export function capture(model: tf.LayersModel, options: CaptureOptions = {}): StepGraph {
  const { input, output, places } = walked(model);
  const timesteps = stepsOf(model, input, options.timesteps);
  const builder = graphBuilder({ name: model.name, timesteps });
  const perStep = input.shape.slice(2);
  if (perStep.some((size) => typeof size !== 'number')) {
    throw refuse(model, model.name, 'input-shape', `takes inputs of unknown size`, 'build it with sizes');
  }
  const aggregations = places.filter(({ layer }) => layer instanceof Aggregation).length;
  const scopeOf = scopes(builder, timesteps, aggregations === 1);
  const values = new Map<number, ValueRef>([
    [input.id, builder.input(INPUT, { shape: perStep as number[], dtype: 'float32' })],
  ]);
  const findings: Finding[] = [];
  const seen = new Set<tf.layers.Layer>();
  for (const place of places) {
    const xs = place.inputs.map((symbol) => values.get(symbol.id));
    // What comes after a layer that can't be compiled can't be looked at.
    if (!xs.every((x) => x !== undefined)) continue;
    try {
      if (seen.has(place.layer) && isStateful(place.layer)) {
        throw new Unsupported('one-state', 'is used twice', 'use two layers, each with a state of its own');
      }
      seen.add(place.layer);
      values.set(place.output.id, captured(scopeOf(place.layer.name), place, xs));
    } catch (error) {
      findings.push(findingOf(place.layer.name, error));
    }
  }
  const logits = values.get(output.id);
  if (!logits || findings.length > 0) throw new CompileError(model.name, findings);
  builder.output(OUTPUT, logits);
  return builder.build();
}

function captured(scope: Scope, { layer, timed }: Place, xs: readonly ValueRef[]): ValueRef {
  const [x] = xs;
  if (layer instanceof OverTime) return captureStateless(scope, layer.layer, xs);
  if (layer instanceof Aggregation || layer instanceof SpikingLayer || layer instanceof Delay) {
    if (!timed) {
      throw new Unsupported(
        'supported-layer',
        'comes after the time steps were brought together',
        'put it in front of the Aggregation',
      );
    }
    if (layer instanceof Delay) return captureDelay(scope, layer, x);
    return layer instanceof Aggregation
      ? captureAggregation(scope, layer, x)
      : captureSpiking(scope, layer, x);
  }
  const perStep = capturePerStep(scope, layer, x);
  if (perStep) return perStep;
  if (isStateful(layer)) {
    throw new Unsupported(
      'supported-layer',
      `(${layer.getClassName()}) keeps a state that the compiler doesn't know`,
      'define its equations with defineNeuron and use Lif with that neuron',
    );
  }
  if (timed && !ELEMENTWISE.has(layer.getClassName())) {
    throw new Unsupported(
      'supported-layer',
      `(${layer.getClassName()}) sees the whole sequence at once`,
      'if it works on each step alone, wrap it: new OverTime(layer)',
    );
  }
  return captureStateless(scope, layer, xs);
}

/** tfjs layers that do the same to every value, whatever the axes. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  'Add',
  'Subtract',
  'Multiply',
  'Activation',
  'ReLU',
  'Dropout',
  'GaussianDropout',
  'GaussianNoise',
  'AlphaDropout',
]);

function walked(model: tf.LayersModel) {
  try {
    return walk(model);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const what = error.message.replace(/^layer ".*?" /, '');
    throw refuse(model, error.layer, 'one-step', what, 'build a network that runs step by step');
  }
}

function stepsOf(model: tf.LayersModel, input: tf.SymbolicTensor, asked: number | undefined): number {
  const [, own] = input.shape;
  if (own === null || own === undefined) {
    if (asked !== undefined && Number.isInteger(asked) && asked > 0) return asked;
    throw refuse(
      model,
      model.name,
      'time-steps',
      `has an open number of time steps, and timesteps is ${asked}`,
      'say how many a sample has: capture(model, { timesteps: 20 })',
    );
  }
  if (asked !== undefined && asked !== own) {
    throw refuse(model, model.name, 'time-steps', `is built for ${own} steps, not ${asked}`, `use ${own}`);
  }
  return own;
}

function findingOf(layer: string, error: unknown): Finding {
  if (error instanceof Unsupported) {
    const { rule, what, remedy } = error;
    return { layer, rule, what, remedy };
  }
  if (error instanceof GraphError) {
    const what = `doesn't fit: ${error.message}`;
    return { layer, rule: 'sound-graph', what, remedy: 'check the shapes and arguments of this layer' };
  }
  throw error;
}

const refuse = (model: tf.LayersModel, layer: string, rule: string, what: string, remedy: string) =>
  new CompileError(model.name, [{ layer, rule, what, remedy }]);
