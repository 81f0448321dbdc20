import { z } from 'zod';

const side = z.int().positive();

/** A side in pixels, or [height, width]. */
export const sizeSchema = z.union([side, z.tuple([side, side])]);

/** Height and width of a size. */
export function toSize(size: z.output<typeof sizeSchema>): [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
