import { registry } from '@bidl/registry';
import { z } from 'zod';

import { runConfigSchema } from './schema.js';

/**
 * JSON schema of a config, for editors: put its path under `$schema` of a JSON config.
 * The arguments of each registered type stand under `$defs/<kind>`.
 */
export function toJsonSchema(
  kinds: readonly string[] = ['backbone', 'dataset', 'pipeline'],
): Record<string, unknown> {
  const schema: Record<string, unknown> = z.toJSONSchema(runConfigSchema, {
    io: 'input',
    unrepresentable: 'any',
  });
  return {
    ...schema,
    additionalProperties: false,
    properties: { $schema: { type: 'string' }, _base_: {}, ...(schema['properties'] as object) },
    required: [],
    $defs: Object.fromEntries(kinds.map((kind) => [kind, registry(kind).jsonSchema()])),
  };
}
