import { tf } from '@bidl/engine';
import { Aggregation, Conv2dLif, OverTime, torchDefault } from '@bidl/neurons';
import { ConfigError } from '@bidl/registry';
import { z } from 'zod';
import { imageBackboneShape, sizeArg } from './args.js';
import { backbones, type BackboneContext } from './backbone.js';

const schema = z.strictObject({
  ...imageBackboneShape,
  aggregate: z
    .enum(['logits', 'features'])
    .default('logits')
    .describe('head on every step and logits brought together, or features first and the head once'),
  statistics: z
    .enum(['step', 'sequence'])
    .default('step')
    .describe(
      'of a BatchNorm in front of the membrane; here they all sit inside the neuron, so it has no effect',
    ),
});

/** Upstream's inner-loop twin: the same network, features averaged over time before the head. */
const innerLoopSchema = schema.extend({
  aggregate: schema.shape.aggregate.unwrap().default('features'),
  statistics: schema.shape.statistics.unwrap().default('sequence'),
});

export type Clif3Fc3Args = z.input<typeof schema>;

/**
 * Three spiking convolutions and three linear layers, for event data of up to some 64x64.
 *
 *     clif1 32 - mp1 - clif2 64 - mp2 - clif3 128 - mp3 - flat - head/0 512 - head/2 128 - head/4 nclass
 *
 * 3x3 kernels, BatchNorm on input + membrane, 2x2 max-pooling. The head runs on every step and its logits are
 * summed over time and divided by `timestep` (`aggregate: 'logits'`), or it runs once on the mean of the features.
 * 1,799,274 trainable parameters at 40x40, two channels, ten classes. Layers are named as in the line above.
 *
 * Source: Lynxi BIDL 1.9, `dvs_mnist/backbone.py`. Its linear layers flatten channels first, ours channels last.
 *
 * @returns a model from `[B, T, H, W, C]` to logits `[B, nclass]`
 */
export function seqClif3Fc3(
  type: string,
  args: z.output<typeof schema>,
  { inputShape, seed }: BackboneContext,
): tf.LayersModel {
  const [steps, height, width, channels] = inputShape;
  const c = sizeArg(args, ['input_channels', 'c0'], channels);
  const h = sizeArg(args, ['h', 'h0'], height);
  const w = sizeArg(args, ['w', 'w0'], width);
  for (const [name, size] of Object.entries({ h, w })) {
    if (size >= 8) continue;
    const place = `model.backbone.${name}`;
    throw new ConfigError(
      `${place} is ${size}: three poolings leave nothing of it; use samples of 8 or more`,
      place,
    );
  }
  const { cmode: mode, soma_params, noise, spike_func, statistics, amode } = args;

  const clif = (name: string, hidden_channel: number) =>
    new Conv2dLif({
      name,
      hidden_channel,
      kernel_size: 3,
      padding: 1,
      mode,
      soma_params,
      noise,
      spike_func: spike_func ?? null,
      statistics,
      seed,
    });
  const pool = (name: string) => new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name }));
  const linear = (name: string, fanIn: number, units: number, activation: 'relu' | 'linear') => {
    const { kernel, bias } = torchDefault(fanIn, seed, name);
    return tf.layers.dense({ name, units, activation, kernelInitializer: kernel, biasInitializer: bias });
  };

  const features = Math.floor(h / 8) * Math.floor(w / 8) * 128;
  const head = [
    linear('head/0', features, 512, 'relu'),
    linear('head/2', 512, 128, 'relu'),
    linear('head/4', 128, args.nclass, 'linear'),
  ];
  const body = [
    clif('clif1', 32),
    pool('mp1'),
    clif('clif2', 64),
    pool('mp2'),
    clif('clif3', 128),
    pool('mp3'),
    new OverTime(tf.layers.flatten({ name: 'flat' })),
  ];
  const perStep = args.aggregate === 'logits';
  const together = new Aggregation({
    name: 'aggregate',
    mode: amode,
    ...(perStep && amode === 'mean' && { divisor: args.timestep }),
  });
  const picked = amode === 'pick' ? [tf.layers.flatten({ name: 'picked' })] : [];
  const layers = perStep
    ? [...body, ...head.map((layer) => new OverTime(layer)), together, ...picked]
    : [...body, together, ...picked, ...head];

  const input = tf.input({ shape: [steps ?? null, h, w, c], name: 'input' });
  const output = layers.reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: output, name: type });
}

/** Upstream's network for lung nodules: other defaults, the same layers. */
const lungSchema = schema.extend({
  timestep: schema.shape.timestep.unwrap().default(8),
  nclass: schema.shape.nclass.unwrap().default(2),
});

for (const [type, args] of [
  ['SeqClif3Fc3DmItout', schema],
  ['SeqClif3Fc3LcItout', lungSchema],
  ['SeqClif3Fc3DmIt', innerLoopSchema],
] as const) {
  backbones.register({
    type,
    schema: args as typeof schema,
    build: (checked, context) => seqClif3Fc3(type, checked, context),
  });
}
