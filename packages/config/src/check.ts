import { ConfigError, explain, registry, type ConfigIssue, type Registry } from '@bidl/registry';
import get from 'lodash/get.js';
import omit from 'lodash/omit.js';
import uniqWith from 'lodash/uniqWith.js';

import { isRaw, type RawConfig } from './merge.js';
import { runConfigSchema, type RunConfig } from './schema.js';

/**
 * Checks a whole config: the shape of its sections, and every `{ type }` in it against the types that the loaded
 * packages have registered. A kind of which nothing is registered is left to whoever builds it.
 *
 * @throws ConfigError that lists every issue
 */
export function checkConfig(raw: unknown, place = ''): RunConfig {
  const result = inspectConfig(raw, place);
  if ('issues' in result) throw new ConfigError(result.issues);
  return result.config;
}

/** As {@link checkConfig}, but gives the issues back. */
export function inspectConfig(raw: unknown, place = ''): { config: RunConfig } | { issues: ConfigIssue[] } {
  const filled = isRaw(raw) ? withDatasetType(raw) : raw;
  const parsed = runConfigSchema.safeParse(filled);
  const shape = parsed.success
    ? []
    : explain(parsed.error.issues, { schema: runConfigSchema, input: filled, place });
  // Where the shape is wrong already, the same fault would be told twice.
  const types = typeIssues(filled, place).filter(
    ({ place: at }) => !shape.some((issue) => issue.place === at),
  );
  const issues = [...shape, ...types];
  return parsed.success && issues.length === 0 ? { config: parsed.data } : { issues };
}

/** Upstream's `dataset_type` names the type of every data set that has none of its own. */
function withDatasetType(raw: RawConfig): RawConfig {
  const { dataset_type: type, data } = raw;
  if (typeof type !== 'string' || !isRaw(data)) return raw;
  const named = Object.fromEntries(
    Object.entries(data).map(([key, set]) => [
      key,
      SPLITS.includes(key) && isRaw(set) ? { type, ...set } : set,
    ]),
  );
  return { ...raw, data: named };
}

const SPLITS: readonly string[] = ['train', 'val', 'test'];

/** Where a `{ type }` of which kind stands. */
const PLACES: readonly (readonly [kind: string, path: string])[] = [
  ['classifier', 'model'],
  ['backbone', 'model.backbone'],
  ['neck', 'model.neck'],
  ['head', 'model.head'],
  ['loss', 'model.head.loss'],
  ['optimizer', 'optimizer'],
  ['runner', 'runner'],
  ...SPLITS.map((split) => ['dataset', `data.${split}`] as const),
];

/** Where lists of them stand. */
const LISTS: readonly (readonly [kind: string, path: string])[] = [
  ['hook', 'custom_hooks'],
  ...SPLITS.map((split) => ['pipeline', `data.${split}.pipeline`] as const),
];

function typeIssues(raw: unknown, place: string): ConfigIssue[] {
  const issues = PLACES.flatMap(([kind, path]) => {
    const value: unknown = get(raw, path);
    return isRaw(value) && 'type' in value ? inspectAt(registry(kind), value, under(place, path)) : [];
  });
  for (const [kind, path] of LISTS) {
    const list: unknown = get(raw, path);
    if (!Array.isArray(list)) continue;
    list.forEach((item: unknown, i) => {
      if (isRaw(item) && 'type' in item)
        issues.push(...inspectAt(registry(kind), item, under(place, `${path}[${i}]`)));
    });
  }
  issues.push(...policyIssues(get(raw, 'lr_config'), under(place, 'lr_config')));
  // A classifier that checks its own parts finds what is found here as well.
  return uniqWith(issues, (a, b) => a.place === b.place && a.message === b.message);
}

/** The policy's registry calls its name `type`; a config calls it `policy`. */
function policyIssues(config: unknown, place: string): ConfigIssue[] {
  if (!isRaw(config) || typeof config['policy'] !== 'string') return [];
  const args = { type: config['policy'], ...omit(config, 'policy') };
  const typed = `${place}.type`;
  return inspectAt(registry('lr_policy'), args, place).map((issue) =>
    issue.place === typed
      ? { place: `${place}.policy`, message: issue.message.replace(typed, `${place}.policy`) }
      : issue,
  );
}

function inspectAt<T, C>(types: Registry<T, C>, config: RawConfig, place: string): readonly ConfigIssue[] {
  if (types.types().length === 0) return [];
  const result = types.inspect(config, place);
  return result.ok ? [] : result.issues;
}

const under = (place: string, path: string): string => (place === '' ? path : `${place}.${path}`);
