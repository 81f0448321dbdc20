import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Path of a file that fixtures/make.py wrote. For specs only. */
export const fixturePath = (name: string): string => join(__dirname, '..', '..', 'fixtures', name);

/** Its bytes. */
export const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(fixturePath(name)));

/** A file of the repository's golden checkpoints (read here directly: @bidl/testing stands on this package). */
export const goldenCheckpoint = (name: string): Uint8Array =>
  new Uint8Array(
    readFileSync(join(__dirname, '..', '..', '..', '..', 'fixtures', 'golden', 'checkpoints', name)),
  );

/** The numbers that make.py's `counted` puts into an array: -3, -2, ... */
export const counted = (size: number): number[] => Array.from({ length: size }, (_, i) => i - 3);
