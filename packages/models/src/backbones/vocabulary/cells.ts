import { tf } from '@bidl/engine';
import {
  BatchNorm,
  Conv2d,
  Conv2dLif,
  Conv2dLifPlus,
  FcLif,
  FcLifPlus,
  featuresOf,
  Lif2d,
  LifPlus2d,
  RLif,
  type NeuronConfig,
  type SomaArg,
  type SpikeFunc,
  type SpikingArgs,
  type Statistics,
} from '@bidl/neurons';
import { ConfigError } from '@bidl/registry';
import type { NetworkNeuron } from '../args.js';
import { layer, type Piece, type Value } from './piece.js';

/** What the spiking layers of one network have in common. */
export interface CellArgs {
  readonly cmode: 'spike' | 'analog';
  readonly soma_params: SomaArg;
  readonly noise: number;
  /** `lif`, `lifplus`, or another neuron. */
  readonly neuron: NetworkNeuron;
  readonly neuron_config?: NeuronConfig | null;
  readonly variant: 'faithful' | 'documented';
  readonly spike_func?: SpikeFunc;
  readonly statistics: Statistics;
}

export interface ConvArgs {
  /** Default 3. */
  readonly kernel?: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default: half the kernel. */
  readonly padding?: number;
}

/** The spiking layers of one network, by name: LIF, LIF+ or another neuron, as its arguments say. */
export interface Cells {
  /** A convolution and neurons; BatchNorm on input + membrane, or (`norm: 'before'`) in front of the neurons. */
  conv(
    name: string,
    channels: number,
    args?: ConvArgs & { readonly pooled?: boolean; readonly norm?: 'inside' | 'before' },
  ): Piece;
  /** A linear layer and neurons, BatchNorm on input + membrane. On `[B, F]`, a single step. */
  fc(name: string, units: number, mode?: 'spike' | 'analog'): Piece;
  /** A linear layer and neurons that hear each other. */
  recurrent(name: string, units: number): Piece;
  /** Neurons alone, one for each value of an image. */
  lif(name: string): Piece;
  /** A convolution and a BatchNorm, no neurons. */
  convNorm(
    name: string,
    channels: number,
    args?: ConvArgs & { readonly bias?: boolean; readonly gamma?: number },
  ): Piece;
}

/** @throws ConfigError when a neuron is given what belongs to another one */
export function cells(args: CellArgs, seed: number): Cells {
  const { cmode, soma_params, noise, spike_func, statistics, variant } = args;
  const { type, ...options } = typeof args.neuron === 'string' ? { type: args.neuron } : args.neuron;
  const named = type === 'lif' || type === 'lifplus' ? undefined : args.neuron;
  const refuse = (argument: string, belongs: string) =>
    new ConfigError(
      `model.backbone.${argument} belongs to neuron ${belongs}, not "${type}"; leave it out, or change model.backbone.neuron`,
      `model.backbone.${argument}`,
    );
  if (type !== 'lifplus' && args.neuron_config) throw refuse('neuron_config', '"lifplus"');
  if (named && cmode === 'analog') throw refuse('cmode', '"lif" or "lifplus"');
  const [option] = Object.keys(options);
  if (!named && option !== undefined) throw refuse(`neuron.${option}`, 'of another name');
  const plus = type === 'lifplus';
  const common: SpikingArgs = {
    ...(named ? { neuron: named } : { mode: cmode }),
    soma_params,
    noise,
    spike_func: spike_func ?? null,
    statistics,
    seed,
  };
  const own = (name: string) => ({
    ...common,
    ...(plus && { variant, ...(args.neuron_config && featuresOf(args.neuron_config, name)) }),
    name,
  });
  const sizes = ({ kernel = 3, stride = 1, padding = kernel >> 1 }: ConvArgs) => ({
    kernel_size: kernel,
    stride,
    padding,
  });

  return {
    conv: (name, channels, { pooled = false, norm = 'inside', ...window } = {}) =>
      layer(() => {
        const args = { ...own(name), ...sizes(window), hidden_channel: channels, mp: pooled };
        return plus ? new Conv2dLifPlus(args) : new Conv2dLif({ ...args, norm_state: norm === 'inside' });
      }),
    fc: (name, units, mode = cmode) =>
      singleStep(
        name,
        layer(() => {
          if (named && mode === 'analog') throw refuse('fmode', '"lif" or "lifplus"');
          const args = { ...own(name), ...(!named && { mode }), hidden_channel: units };
          return plus ? new FcLifPlus(args) : new FcLif(args);
        }),
      ),
    recurrent: (name, units) => layer(() => new RLif({ ...own(name), hidden_channel: units })),
    lif: (name) => layer(() => (plus ? new LifPlus2d(own(name)) : new Lif2d(own(name)))),
    convNorm:
      (name, channels, { bias = true, gamma = 1, ...window } = {}) =>
      (x) => {
        const conv = new Conv2d({ ...sizes(window), name, out_channels: channels, bias, seed });
        const norm = new BatchNorm({ name: `${name}/norm`, statistics, gamma });
        return norm.apply(conv.apply(x)) as Value;
      },
  };
}

/** Runs neurons on something without a time axis, `[B, F]`, as a sequence of one step. */
function singleStep(name: string, piece: Piece): Piece {
  return (x) => {
    if (x.shape.length !== 2) return piece(x);
    const features = x.shape[1] ?? 1;
    const one = tf.layers.reshape({ name: `${name}/step`, targetShape: [1, features] }).apply(x) as Value;
    return tf.layers.flatten({ name: `${name}/flat` }).apply(piece(one)) as Value;
  };
}
