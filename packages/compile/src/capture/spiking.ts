import { traceNeuron, type FoldedNorm, type ValueRef } from '@bidl/graph';
import { Conv2dLif, FcLif, Lif, NORM_EPSILON, type SpikingLayer } from '@bidl/neurons';
import { Unsupported } from '../finding.js';
import { foldNorm, numbersOf } from './norm.js';
import { weightOf, type Scope } from './scope.js';

/**
 * A synapse and its neurons: the synapse as one operation, then the neuron's own equations, traced. BatchNorm stands
 * as x·scale + shift where the layer has it: on input + membrane, or between synapse and neurons.
 */
export function captureSpiking(scope: Scope, layer: SpikingLayer, x: ValueRef): ValueRef {
  let current = synapse(scope, layer, x);
  const norm = layer.normPlace === 'none' ? undefined : normOf(scope, layer);
  if (norm && layer.normPlace === 'before') {
    current = scope.builder.node('affine', [current, norm.scale, norm.shift], {}, place(scope, 'norm'));
  }
  const params = Object.fromEntries(
    Object.entries(layer.params()).map(([name, tensor]) => [
      name,
      scope.weight(layer.paramWeight(name), tensor),
    ]),
  );
  return traceNeuron(scope.builder, scope.layer, layer.neuron, current, params, {
    surrogate: layer.surrogate,
    ...(norm && layer.normPlace === 'inside' && { norm }),
  });
}

function synapse(scope: Scope, layer: SpikingLayer, x: ValueRef): ValueRef {
  const { builder } = scope;
  if (layer instanceof Lif) return x;
  if (layer instanceof FcLif) {
    return builder.dense(
      x,
      needed(scope, layer, 'kernel'),
      needed(scope, layer, 'bias'),
      place(scope, 'dense'),
    );
  }
  if (layer instanceof Conv2dLif) {
    const { stride, padding, groups } = layer.geometry;
    const [ph, pw] = padding;
    const options = { stride, padding: [ph, ph, pw, pw], groups } as const;
    const [kernel, bias] = [needed(scope, layer, 'kernel'), needed(scope, layer, 'bias')];
    const y = builder.conv2d(x, kernel, bias, options, place(scope, 'conv2d'));
    return layer.pooled ? builder.maxPool(y, { size: [2, 2] }, place(scope, 'maxPool')) : y;
  }
  throw new Unsupported(
    'supported-layer',
    `(${layer.getClassName()}) has a synapse that the compiler doesn't know`,
    'build it from Conv2dLif, FcLif or Lif with a neuron of your own, and tfjs layers under OverTime',
  );
}

function normOf(scope: Scope, layer: SpikingLayer): FoldedNorm {
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((name) => {
    const weight = weightOf(layer, `norm/${name}`);
    if (!weight) throw notBuilt();
    return numbersOf(weight);
  });
  return foldNorm(scope, { gamma, beta, mean, variance, epsilon: NORM_EPSILON });
}

function needed(scope: Scope, layer: SpikingLayer, name: string): ValueRef {
  const weight = weightOf(layer, name);
  if (!weight) throw notBuilt();
  return scope.weight(name, weight);
}

const notBuilt = () =>
  new Unsupported('supported-layer', 'has no weights yet', 'apply it to an input or load a checkpoint first');

const place = ({ layer }: Scope, what: string) => ({ layer, what });
