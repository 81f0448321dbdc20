import { ConfigError } from '@bidl/registry';
import { z } from 'zod';

const size = z.number().int().positive();
const somaValue: z.ZodType<SomaNumber> = z.lazy(() => z.union([z.number(), z.null(), z.array(somaValue)]));
type SomaNumber = number | null | SomaNumber[];

/** Membrane parameters: shared by the layer, by each channel, or given. */
export const somaSchema = z.union([
  z.enum(['all_share', 'channel_share']),
  z.strictObject({
    alpha: somaValue.optional(),
    beta: somaValue.optional(),
    theta: somaValue.optional(),
    v_0: somaValue.optional(),
    shape: z.array(size).optional(),
    learn: z.boolean().optional(),
  }),
]);

/** A surrogate by name, or `{ type, ...numbers }`. */
export const spikeFuncSchema = z
  .union([z.string(), z.object({ type: z.string() }).catchall(z.number())])
  .nullish();

/** Arguments that the image backbones share, with upstream's two spellings of the input's size. */
export const imageBackboneShape = {
  timestep: size
    .default(20)
    .describe("time steps; the mean over time divides by it, whatever the sample's T"),
  input_channels: size.optional().describe('channels of the input'),
  c0: size.optional().describe('same as input_channels'),
  h: size.optional().describe('height of the input'),
  h0: size.optional().describe('same as h'),
  w: size.optional().describe('width of the input'),
  w0: size.optional().describe('same as w'),
  nclass: size.default(10).describe('number of classes'),
  cmode: z.enum(['spike', 'analog']).default('spike').describe('what the spiking convolutions give'),
  amode: z.enum(['mean', 'sum', 'pick']).default('mean').describe('how time steps are brought together'),
  soma_params: somaSchema.default('all_share'),
  noise: z.number().min(0).default(0).describe('training noise on the membrane'),
  neuron: z
    .string()
    .transform((name) => name.toLowerCase())
    .pipe(z.literal('lif'))
    .default('lif'),
  neuron_config: z.null().optional().describe('LIF has none'),
  spike_func: spikeFuncSchema.describe('surrogate of the spike derivative; default Rectangle'),
  use_inner_loop: z.boolean().default(false).describe('accepted from upstream: means the same here'),
  it_batch: size.optional().describe('accepted from upstream: read off the input here'),
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
