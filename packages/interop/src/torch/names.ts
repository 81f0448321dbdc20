import { SpikingLayer } from '@bidl/neurons';
import type { PlacedWeight } from './placed-weights.js';

/**
 * What upstream calls a weight inside its module: `p0` is the synapse of a spiking layer, `lif` or `lifplus` its
 * neuron, which also holds the BatchNorm of the membrane. The first one that the file has is taken.
 */
const IN_SPIKING: Readonly<Record<string, readonly string[]>> = {
  kernel: ['p0.weight'],
  bias: ['p0.bias'],
  'norm/gamma': ['lif.norm.weight', 'lifplus.norm.weight', 'norm.weight'],
  'norm/beta': ['lif.norm.bias', 'lifplus.norm.bias', 'norm.bias'],
  'norm/mean': ['lif.norm.running_mean', 'lifplus.norm.running_mean', 'norm.running_mean'],
  'norm/variance': ['lif.norm.running_var', 'lifplus.norm.running_var', 'norm.running_var'],
};

/** The neuron's own parameters: alpha, beta, theta, v_0, ... */
const ofNeuron = (name: string): readonly string[] => [`lif.${name}`, `lifplus.${name}`];

/** PyTorch's names for the weights of plain layers, by tfjs's. */
const IN_PLAIN: Readonly<Record<string, string>> = {
  kernel: 'weight',
  embeddings: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/** The keys a weight may have in a state_dict, the likeliest first. Layers are named by place, as modules are. */
export function keysOf({ layer, weight }: PlacedWeight): string[] {
  const path = layer.name.replaceAll('/', '.');
  const inside =
    layer instanceof SpikingLayer
      ? (IN_SPIKING[weight] ?? ofNeuron(weight))
      : [IN_PLAIN[weight] ?? weight.replaceAll('/', '.')];
  return inside.map((name) => `${path}.${name}`);
}

/**
 * A key as if its network had been saved alone: without the wrappers that DataParallel and upstream's TimeDistributed
 * put around modules (`module.`), and without the classifier's (`backbone.`).
 */
export const bareKey = (key: string): string =>
  key
    .split('.')
    .filter((part) => part !== 'module')
    .join('.')
    .replace(/^backbone\./, '');

/** Keys that stand for nothing here: how many batches a BatchNorm has seen (its momentum is fixed). */
export const isCounter = (key: string): boolean => key.endsWith('.num_batches_tracked');
