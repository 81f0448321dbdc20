import { z } from 'zod';

import { ConfigError, didYouMean, join, type ConfigIssue } from './config-error.js';
import { explain, HERE, NESTED, show } from './issues.js';
import { suggest } from './suggest.js';

/** How to build one type: its name in configs, the schema of its arguments (without `type`), the builder. */
export interface Entry<T, S extends z.ZodType = z.ZodType, C = void> {
  readonly type: string;
  readonly schema: S;
  readonly build: (args: z.output<S>, context: C) => T;
}

/** A checked config: its type and its arguments, defaults filled in. */
export interface Checked {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** The outcome of {@link Registry.inspect}: the checked config, or everything that is wrong with it. */
export type Inspection =
  | { readonly ok: true; readonly value: Checked }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** The types of one kind (`backbone`, `pipeline`, ...) by name. */
export interface Registry<T, C = void> {
  readonly kind: string;
  /** Adds a type; a type of the same name is replaced. */
  register<S extends z.ZodType>(entry: Entry<T, S, C>): void;
  has(type: string): boolean;
  /** The registered names, sorted. */
  types(): string[];
  /** Looks a config over without throwing; `place` is where it stands, `data.train.pipeline[2]`. */
  inspect(config: unknown, place: string): Inspection;
  /** The config with its defaults. @throws ConfigError that lists every issue. */
  check(config: unknown, place: string): Checked;
  /** Checks the config and builds its object. @throws ConfigError */
  build(config: unknown, context: C, place?: string): T;
  /** A zod schema of `{ type, ...args }` of this kind, for use inside another schema; it keeps the input as it is. */
  schema(): z.ZodType<Checked>;
  /** JSON schema of `{ type, ...args }`: one alternative per type. */
  jsonSchema(): Record<string, unknown>;
}

/**
 * What the process-wide store holds: closures and plain values only, so a copy of this package (or of zod) that
 * was loaded as CJS can use what an ESM copy has registered.
 */
interface Stored {
  parse(args: unknown, place: string): { value: unknown } | { issues: ConfigIssue[] };
  build(args: unknown, context: unknown): unknown;
  jsonSchema(): Record<string, unknown>;
}

const STORE = Symbol.for('@bidl/registry/1');
type Store = Map<string, Map<string, Stored>>;

function entriesOf(kind: string): Map<string, Stored> {
  const holder = globalThis as { [STORE]?: Store };
  const store = (holder[STORE] ??= new Map());
  let entries = store.get(kind);
  if (!entries) store.set(kind, (entries = new Map()));
  return entries;
}

/**
 * The registry of a kind. Whoever asks (ESM, CJS, a config loaded by jiti) gets a view of the same entries.
 *
 * @example
 * const losses = registry<Loss>('loss');
 * losses.register({ type: 'L1', schema: z.strictObject({ weight: z.number().default(1) }), build: ({ weight }) => l1(weight) });
 * losses.build({ type: 'L1' }, undefined, 'model.head.loss');
 */
export function registry<T, C = void>(kind: string): Registry<T, C> {
  const entries = entriesOf(kind);
  const types = (): string[] => [...entries.keys()].sort();

  const look = (
    config: unknown,
    place: string,
  ): { stored: Stored; type: string; value: unknown } | ConfigIssue[] => {
    if (typeof config !== 'object' || config === null || Array.isArray(config)) {
      const what = config === undefined ? 'is missing: an object' : 'must be an object';
      const end = config === undefined ? ' is needed here' : `, not ${show(config)}`;
      return [{ place, message: `${place || kind} ${what} { type: <${kind}>, ... }${end}` }];
    }
    const { type, ...args } = config as Record<string, unknown>;
    const at = join(place, 'type');
    if (type === undefined) {
      return [{ place: at, message: `${at} is missing: name a ${kind}${listed(types())}` }];
    }
    if (typeof type !== 'string') {
      return [{ place: at, message: `${at} must be the name of a ${kind}, not ${show(type)}` }];
    }
    const stored = entries.get(type);
    if (!stored) return [unknownType(kind, type, at, types())];
    const parsed = stored.parse(args, place);
    return 'issues' in parsed ? parsed.issues : { stored, type, value: parsed.value };
  };

  const inspect = (config: unknown, place: string): Inspection => {
    const found = look(config, place);
    return Array.isArray(found)
      ? { ok: false, issues: found }
      : { ok: true, value: { type: found.type, ...(found.value as object) } };
  };

  return {
    kind,
    register(entry) {
      entries.set(entry.type, store(entry));
    },
    has: (type) => entries.has(type),
    types,
    inspect,
    check(config, place) {
      const result = inspect(config, place);
      if (!result.ok) throw new ConfigError(result.issues);
      return result.value;
    },
    build(config, context, place = kind) {
      const found = look(config, place);
      if (Array.isArray(found)) throw new ConfigError(found);
      return found.stored.build(found.value, context) as T;
    },
    schema: () =>
      z.custom<Checked>().superRefine((config, ctx) => {
        const result = inspect(config, HERE);
        if (result.ok) return;
        for (const issue of result.issues) {
          ctx.addIssue({
            code: 'custom',
            message: issue.message,
            params: { [NESTED]: issue.place },
            input: config,
          });
        }
      }),
    jsonSchema: () => ({
      anyOf: [...entries].map(([type, stored]) => {
        const args = stored.jsonSchema() as { properties?: object; required?: string[] };
        return {
          ...args,
          properties: { type: { const: type }, ...args.properties },
          required: ['type', ...(args.required ?? [])],
        };
      }),
    }),
  };
}

function store<T, S extends z.ZodType, C>(entry: Entry<T, S, C>): Stored {
  const { schema } = entry;
  return {
    parse(args, place) {
      const result = schema.safeParse(args);
      if (result.success) return { value: result.data };
      return { issues: explain(result.error.issues, { schema, input: args, place }) };
    },
    build: (args, context) => entry.build(args as z.output<S>, context as C),
    jsonSchema() {
      const described: Record<string, unknown> = z.toJSONSchema(schema, {
        io: 'input',
        unrepresentable: 'any',
      });
      delete described['$schema'];
      return described;
    },
  };
}

function unknownType(kind: string, type: string, place: string, types: readonly string[]): ConfigIssue {
  const near = suggest(type, types);
  const end =
    near === undefined
      ? types.length > 0
        ? ` Known here: ${types.join(', ')}.`
        : ` No ${kind} is registered.`
      : didYouMean(near);
  return { place, message: `${place} ${JSON.stringify(type)} is unknown.${end}` };
}

const listed = (types: readonly string[]): string =>
  types.length > 0 ? `: ${types.join(', ')}` : ': none is registered';
