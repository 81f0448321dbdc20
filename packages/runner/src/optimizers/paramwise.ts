import { z } from 'zod';
import { ConfigError, didYouMean, join, suggest } from '@bidl/registry';
import type { NamedVariable } from '../classifier.js';
import type { ParameterGroup } from './optimizer.js';

const factor = z.number().nonnegative();

const customSchema = z
  .strictObject({
    lr_mult: factor.optional().describe("factor on the optimizer's lr"),
    decay_mult: factor.optional().describe("factor on the optimizer's weight_decay"),
    lr: factor.optional().describe('instead of lr_mult: the rate itself'),
    weight_decay: factor.optional().describe('instead of decay_mult: the weight decay itself'),
  })
  .refine((o) => o.lr === undefined || o.lr_mult === undefined, {
    path: ['lr_mult'],
    message: 'and lr exclude each other; keep one',
  })
  .refine((o) => o.weight_decay === undefined || o.decay_mult === undefined, {
    path: ['decay_mult'],
    message: 'and weight_decay exclude each other; keep one',
  });

/** `optimizer.paramwise_cfg`: other rates and weight decays for some parameters, in MMEngine's words. */
export const paramwiseSchema = z.strictObject({
  bias_lr_mult: factor.optional().describe('factor on the lr of biases'),
  bias_decay_mult: factor.optional().describe('factor on the weight decay of biases'),
  norm_decay_mult: factor.optional().describe("factor on the weight decay of BatchNorms' gamma and beta"),
  custom_keys: z
    .record(z.string().min(1), customSchema)
    .optional()
    .describe(
      'by part of a name, `clif1` or `head/`; the longest one that is found in a name counts, and it alone',
    ),
});

export type ParamwiseConfig = z.output<typeof paramwiseSchema>;
interface MutableGroup {
  readonly parameters: NamedVariable[];
  readonly options: Readonly<Record<string, number>>;
}
type Custom = z.output<typeof customSchema>;

/** The optimizer's own values. */
export interface GroupDefaults {
  readonly type: string;
  readonly lr: number;
  /** Undefined for an optimizer that has none. */
  readonly weight_decay?: number | undefined;
}

/**
 * Parameters in groups of equal rate and weight decay; those with the optimizer's own values come first.
 *
 * @throws ConfigError for a key that is found in no name, or a weight decay that the optimizer doesn't have.
 */
export function parameterGroups(
  parameters: readonly NamedVariable[],
  config: ParamwiseConfig,
  defaults: GroupDefaults,
  place: string,
): ParameterGroup[] {
  const names = parameters.map((p) => p.name);
  // as MMEngine: longer keys first, equally long ones in alphabetical order
  const keys = Object.keys(config.custom_keys ?? {})
    .sort()
    .sort((a, b) => b.length - a.length);
  keys.forEach((key) => assertFound(key, names, join(place, 'custom_keys', key)));
  if (defaults.weight_decay === undefined) assertNoDecay(config, defaults.type, place);

  const isNorm = normParameters(names);
  const ruleFor = (name: string): Custom => {
    const key = keys.find((k) => name.includes(k));
    if (key !== undefined) return config.custom_keys?.[key] ?? {};
    if (isNorm(name)) return { decay_mult: config.norm_decay_mult };
    if (isBias(name)) return { lr_mult: config.bias_lr_mult, decay_mult: config.bias_decay_mult };
    return {};
  };
  const groups = new Map<string, MutableGroup>();
  const groupOf = (lr: number, weight_decay: number | undefined): MutableGroup => {
    const id = `${lr} ${weight_decay}`;
    const options = { lr, ...(weight_decay !== undefined && { weight_decay }) };
    const group = groups.get(id) ?? { parameters: [], options };
    groups.set(id, group);
    return group;
  };
  groupOf(defaults.lr, defaults.weight_decay);
  for (const parameter of parameters) {
    const rule = ruleFor(parameter.name);
    const lr = rule.lr ?? defaults.lr * (rule.lr_mult ?? 1);
    const { weight_decay: own } = defaults;
    const decay = rule.weight_decay ?? (own === undefined ? undefined : own * (rule.decay_mult ?? 1));
    groupOf(lr, decay).parameters.push(parameter);
  }
  return [...groups.values()].filter((group) => group.parameters.length > 0);
}

const lastPart = (name: string) => name.slice(name.lastIndexOf('/') + 1);
const isBias = (name: string) => lastPart(name) === 'bias';

/** A BatchNorm's parameters: `gamma`, and the `beta` beside one (a neuron's own beta stands alone). */
function normParameters(names: readonly string[]): (name: string) => boolean {
  const norms = new Set(names.filter((n) => lastPart(n) === 'gamma').map((n) => n.slice(0, -'gamma'.length)));
  return (name) =>
    ['gamma', 'beta'].includes(lastPart(name)) && norms.has(name.slice(0, name.lastIndexOf('/') + 1));
}

function assertFound(key: string, names: readonly string[], place: string): void {
  if (names.some((name) => name.includes(key))) return;
  const parts = names.flatMap((name) => [name, ...name.split('/')]);
  throw new ConfigError(`${place} is part of no parameter's name.${didYouMean(suggest(key, parts))}`, place);
}

function assertNoDecay(config: ParamwiseConfig, type: string, place: string): void {
  const custom = Object.entries(config.custom_keys ?? {}).flatMap(([key, rule]) =>
    (['decay_mult', 'weight_decay'] as const).flatMap((k) =>
      rule[k] === undefined ? [] : [join(place, 'custom_keys', key, k)],
    ),
  );
  const general = (['bias_decay_mult', 'norm_decay_mult'] as const).flatMap((k) =>
    config[k] === undefined ? [] : [join(place, k)],
  );
  const [at] = [...general, ...custom];
  if (at !== undefined)
    throw new ConfigError(`${at} can't be: ${type} has no weight_decay; leave it out`, at);
}
