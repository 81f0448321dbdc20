import { NEURON_NAMES } from '@bidl/neurons';
import { ConfigError, remedyFor } from '@bidl/registry';
import { z } from 'zod';

const size = z.number().int().positive();
const somaValue: z.ZodType<SomaNumber> = z.lazy(() => z.union([z.number(), z.null(), z.array(somaValue)]));
type SomaNumber = number | null | SomaNumber[];
const code = z.number().int().min(0).max(2);
const mode = z.enum(['spike', 'analog']);

/** Membrane parameters: shared by the layer, by each channel, or given by name. */
export const somaSchema = z.union([
  z.enum(['all_share', 'channel_share']),
  z
    .object({ shape: z.array(size).optional(), learn: z.boolean().optional() })
    .catchall(somaValue as z.ZodType<SomaNumber | undefined>),
]);

/** A surrogate by name, or `{ type, ...numbers }`. */
const spikeFuncSchema = z.union([z.string(), z.object({ type: z.string() }).catchall(z.number())]).nullish();

/** LIF, LIF+ or another neuron by name, whatever its case; others also with their options, `{ type: 'PLIF', reset: 'subtract' }`. */
const neuronSchema = z
  .union([z.string(), z.object({ type: z.string() }).catchall(z.union([z.number(), z.string()]))])
  .transform((given, context): NetworkNeuron => {
    const { type, ...options } = typeof given === 'string' ? { type: given } : given;
    const names = ['lif', 'lifplus', ...NEURON_NAMES];
    const name = names.find((one) => one.toLowerCase() === type.toLowerCase());
    if (name !== undefined) return Object.keys(options).length > 0 ? { type: name, ...options } : name;
    const message = `is "${type}", which is no neuron. ${remedyFor(type, names)}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** A neuron of a network: its name as it is registered, with its options where it was given some. */
export type NetworkNeuron = string | { readonly type: string; readonly [option: string]: string | number };

/** Arguments that say which neurons a network has. */
export const neuronShape = ({ noise }: { readonly noise: number }) => ({
  cmode: mode.default('spike').describe('what the spiking layers give'),
  soma_params: somaSchema.default('all_share'),
  noise: z.number().min(0).default(noise).describe('training noise on the membrane'),
  neuron: neuronSchema.default('lif').describe('the neurons of every spiking layer'),
  neuron_config: z
    .tuple([code, z.boolean(), code, code, code, code])
    .nullish()
    .describe('of lifplus: input_accum, rev_volt, fire_refrac, spike_init, trig_current, memb_decay'),
  variant: z
    .enum(['faithful', 'documented'])
    .default('faithful')
    .describe("of lifplus: as upstream's code computes, or as its manual says"),
  spike_func: spikeFuncSchema.describe('surrogate of the spike derivative; default Rectangle'),
  use_inner_loop: z.boolean().default(false).describe('accepted from upstream: means the same here'),
  it_batch: size.optional().describe('accepted from upstream: read off the input here'),
});

/** Arguments that say how a network treats time. */
export const timeShape = {
  amode: z
    .enum(['mean', 'sum', 'pick', 'none'])
    .default('mean')
    .describe('how time steps are brought together; none: the output is that of every step, `[B, T, ...]`'),
  aggregate: z
    .enum(['logits', 'features'])
    .default('logits')
    .describe('head on every step and logits brought together, or features first and the head once'),
  statistics: z
    .enum(['step', 'sequence'])
    .default('step')
    .describe('of a BatchNorm outside the neurons: of each time step, or of the whole sequence'),
};

/** Arguments for the shape of the frames, with upstream's two spellings. */
export const frameShape = {
  input_channels: size.optional().describe('channels of the input'),
  c0: size.optional().describe('same as input_channels'),
  h: size.optional().describe('height of the input'),
  h0: size.optional().describe('same as h'),
  w: size.optional().describe('width of the input'),
  w0: size.optional().describe('same as w'),
};

/** What a name stands for beside the network: values of its arguments where a config leaves them out. */
export interface Defaults {
  readonly timestep: number;
  readonly nclass: number;
  /** Default 0. */
  readonly noise?: number;
}

/** Arguments that the image backbones share. */
export const imageShape = ({ timestep, nclass, noise = 0 }: Defaults) => ({
  timestep: size.default(timestep).describe('time steps of a sample'),
  nclass: size.default(nclass).describe('number of classes'),
  fmode: mode.optional().describe('what spiking linear layers give; default: as cmode'),
  ...frameShape,
  ...neuronShape({ noise }),
  ...timeShape,
});

/** Upstream's inner-loop twins: features are averaged over time before the head, statistics taken over the sequence. */
export const innerLoop = {
  aggregate: timeShape.aggregate.unwrap().default('features'),
  statistics: timeShape.statistics.unwrap().default('sequence'),
};

/** Upstream's LIF+ twins; shipped everywhere with these features. */
export const lifPlusPreset = {
  neuron: z
    .string()
    .transform((name) => name.toLowerCase())
    .pipe(z.literal('lifplus'))
    .default('lifplus'),
  neuron_config: z.tuple([code, z.boolean(), code, code, code, code]).default([1, false, 0, 0, 0, 0]),
};

/** One value from two spellings, checked against what the samples have. @throws ConfigError */
export function sizeArg(
  args: Readonly<Record<string, unknown>>,
  names: readonly [string, string],
  sample: number | undefined,
): number {
  const [name, alias] = names;
  const given = [args[name], args[alias]].filter((value) => typeof value === 'number');
  const value = given[0] ?? sample;
  const written = args[name] === undefined ? alias : name;
  if (value === undefined)
    throw new ConfigError(`model.backbone.${name} is missing`, `model.backbone.${name}`);
  if (given.length === 2 && given[0] !== given[1]) {
    throw new ConfigError(
      `model.backbone.${name} is ${given[0]} and model.backbone.${alias} is ${given[1]}: they mean the same, keep one`,
      `model.backbone.${alias}`,
    );
  }
  if (sample !== undefined && value !== sample) {
    throw new ConfigError(
      `model.backbone.${written} is ${value}, but the samples have ${sample}; set it to ${sample}, or change the pipeline (crop, resize)`,
      `model.backbone.${written}`,
    );
  }
  return value;
}

/** Steps, height, width and channels of a sample `[T, H, W, C]`, checked against the arguments. @throws ConfigError */
export function frameSizes(
  args: Readonly<Record<string, unknown>>,
  inputShape: readonly number[],
): { readonly steps: number | null; readonly h: number; readonly w: number; readonly c: number } {
  const [steps, height, width, channels] = inputShape;
  if (inputShape.length !== 4) {
    throw new ConfigError(
      `model.backbone takes images over time, [T, H, W, C], but a sample is [${inputShape.join(', ')}]`,
      'model.backbone',
    );
  }
  return {
    steps: steps ?? null,
    h: sizeArg(args, ['h', 'h0'], height),
    w: sizeArg(args, ['w', 'w0'], width),
    c: sizeArg(args, ['input_channels', 'c0'], channels),
  };
}
