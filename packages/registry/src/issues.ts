import type { z } from 'zod';

import { didYouMean, join, type ConfigIssue } from './config-error.js';
import { keysAt } from './schema-walk.js';
import { suggest } from './suggest.js';

type ZodIssue = z.core.$ZodIssue;

/** Stands for the place of a nested config inside its own sentences. */
export const HERE = '@';
/** The key of a custom zod issue's params under which such a nested place is kept. */
export const NESTED = 'bidl-place';

/** What is known about the value that was parsed. */
interface Parsed {
  readonly schema: z.core.$ZodType;
  readonly input: unknown;
  readonly place: string;
}

/**
 * Turns what zod found into sentences with the full place: `data.samples_per_gpu must be a number, not "16"`.
 * An unknown key is answered with the nearest valid key.
 */
export function explain(issues: readonly ZodIssue[], parsed: Parsed): ConfigIssue[] {
  return issues.flatMap((issue) => explainOne(issue, parsed));
}

function explainOne(issue: ZodIssue, parsed: Parsed): ConfigIssue[] {
  const place = join(parsed.place, ...issue.path);
  const value = valueAt(parsed.input, issue.path);
  const say = (text: string): ConfigIssue[] => [{ place, message: `${place || 'the config'} ${text}` }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) =>
        unknownKey(key, join(parsed.place, ...issue.path), keysAt(parsed.schema, issue.path)),
      );
    case 'invalid_type':
      if (value === undefined) return say(`is missing: ${kindOf(issue.expected)} is needed here`);
      return say(`must be ${kindOf(issue.expected)}, not ${show(value)}`);
    case 'invalid_value': {
      const choices = issue.values.map((choice) => show(choice)).join(', ');
      const near = typeof value === 'string' ? suggest(value, issue.values.map(String)) : undefined;
      const must = issue.values.length === 1 ? `must be ${choices}` : `must be one of ${choices}`;
      return say(
        value === undefined ? `is missing: it ${must}` : `${must}, not ${show(value)}.${didYouMean(near)}`,
      );
    }
    case 'too_small':
      return say(
        `must be ${bound(issue.inclusive, 'at least', 'more than')} ${issue.minimum}${unit(issue.origin)}, not ${show(value)}`,
      );
    case 'too_big':
      return say(
        `must be ${bound(issue.inclusive, 'at most', 'less than')} ${issue.maximum}${unit(issue.origin)}, not ${show(value)}`,
      );
    case 'not_multiple_of':
      return say(`must be a multiple of ${issue.divisor}, not ${show(value)}`);
    case 'invalid_union':
      return explainUnion(issue, parsed, say);
    case 'custom':
      // A sentence that a nested registry has already written carries its own place.
      // Sentences that a nested registry has already written carry their own place, to be put below this one.
      return typeof issue.params?.[NESTED] === 'string'
        ? [{ place: under(place, issue.params[NESTED]), message: under(place, issue.message) }]
        : say(issue.message);
    default:
      return say(`is wrong: ${issue.message}`);
  }
}

/** Of a union, the member that the value came closest to speaks. */
function explainUnion(
  issue: Extract<ZodIssue, { code: 'invalid_union' }>,
  parsed: Parsed,
  say: (text: string) => ConfigIssue[],
): ConfigIssue[] {
  const value = valueAt(parsed.input, issue.path);
  if (value === undefined) return say('is missing');
  const members = issue.errors.map((errors) =>
    errors.map((e) => ({ ...e, path: [...issue.path, ...e.path] }) as ZodIssue),
  );
  const deep = members.filter((errors) =>
    errors.every((e) => e.path.length > issue.path.length || e.code === 'unrecognized_keys'),
  );
  const [best] = deep.filter((errors) => errors.length > 0).sort((a, b) => a.length - b.length);
  if (best) return explain(best, parsed);
  const kinds = members.flatMap((errors) => errors.flatMap((e) => expectations(e)));
  return say(
    kinds.length > 0
      ? `must be ${[...new Set(kinds)].join(' or ')}, not ${show(value)}`
      : `is wrong: ${issue.message}`,
  );
}

function expectations(issue: ZodIssue): string[] {
  if (issue.code === 'invalid_type') return [kindOf(issue.expected)];
  if (issue.code === 'invalid_value') return issue.values.map((value) => show(value));
  return [];
}

/** The sentence for a key that nothing knows, with the nearest valid one, or all of them when few. */
export function unknownKey(key: string, place: string, valid: readonly string[]): ConfigIssue {
  const here = join(place, key);
  const near = suggest(key, valid);
  const list = near === undefined && valid.length > 0 ? ` Valid here: ${valid.join(', ')}.` : '';
  return { place: here, message: `${here} is not a known key.${didYouMean(near)}${list}` };
}

/** A value as a person would write it, cut to a readable length. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (
    typeof value === 'bigint' ||
    typeof value === 'symbol' ||
    (typeof value === 'number' && !Number.isFinite(value))
  ) {
    return String(value);
  }
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function kindOf(expected: string): string {
  const names: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'a string',
    boolean: 'true or false',
    array: 'a list',
    tuple: 'a list',
    object: 'an object',
    record: 'an object',
    null: 'null',
    undefined: 'nothing',
  };
  return names[expected] ?? `of type ${expected}`;
}

function unit(origin: string): string {
  if (origin === 'array' || origin === 'set') return ' items long';
  return origin === 'string' ? ' characters long' : '';
}

const bound = (inclusive: boolean | undefined, at: string, beyond: string): string =>
  inclusive === false ? beyond : at;

function under(place: string, nested: string): string {
  const rest = nested.slice(HERE.length);
  return place === '' && rest.startsWith('.') ? rest.slice(1) : `${place}${rest}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}
