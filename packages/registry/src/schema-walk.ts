import { z } from 'zod';

/**
 * The keys an object schema knows at a path below it: what an unknown key could have been.
 * Wrappers (optional, default, nullable, readonly, pipe, lazy) are looked through; a union gives the keys of
 * all its members.
 */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let found = open(schema);
  for (const key of path) found = found.flatMap((member) => open(...below(member, key)));
  return [
    ...new Set(found.flatMap((member) => (member instanceof z.ZodObject ? Object.keys(member.shape) : []))),
  ];
}

function below(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const member: unknown = Reflect.get(schema.shape, key);
    return member === undefined ? [] : [member as z.core.$ZodType];
  }
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  if (schema instanceof z.ZodTuple) {
    const item = schema.def.items[Number(key)] ?? schema.def.rest;
    return item ? [item] : [];
  }
  return [];
}

/** The schemas inside the wrappers. */
function open(...schemas: readonly z.core.$ZodType[]): z.core.$ZodType[] {
  return schemas.flatMap((schema): z.core.$ZodType[] => {
    if (
      schema instanceof z.ZodOptional ||
      schema instanceof z.ZodNullable ||
      schema instanceof z.ZodDefault ||
      schema instanceof z.ZodPrefault ||
      schema instanceof z.ZodReadonly ||
      schema instanceof z.ZodCatch
    ) {
      return open(schema.def.innerType);
    }
    if (schema instanceof z.ZodPipe) return open(schema.def.in, schema.def.out);
    if (schema instanceof z.ZodLazy) return open(schema.def.getter());
    if (schema instanceof z.ZodUnion) return open(...schema.options);
    if (schema instanceof z.ZodIntersection) return open(schema.def.left, schema.def.right);
    return [schema];
  });
}
