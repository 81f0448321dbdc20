import type { z } from 'zod';

import type { runConfigSchema } from './schema.js';

/** Every key may be left to a base config; lists and scalars are whole or absent. */
type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: Partially<T[K]> }
    : T;

type Sections = z.input<typeof runConfigSchema>;
type Named =
  | 'dist_params'
  | 'log_level'
  | 'workflow'
  | 'deterministic'
  | 'custom_hooks'
  | 'optimizer_config'
  | 'checkpoint_config'
  | 'log_config';

/** What a config file may hold. */
export type ConfigInput = Partially<Omit<Sections, Named | 'custom_imports' | 'data'>> & {
  /** Configs to start from, relative to this file; this file's keys win, objects are merged key by key. */
  _base_?: string | readonly string[];
  $schema?: string;
  data?: Partially<Omit<Sections['data'], 'workers_per_gpu'>> & { workers_per_gpu?: number | null };
  optimizer_config?: { grad_clip?: { max_norm: number; norm_type?: number } | null } | null;
  checkpoint_config?: { interval?: number; [key: string]: unknown } | null;
  log_config?: { interval?: number; [key: string]: unknown } | null;
  dist_params?: { backend: string; [key: string]: unknown } | null;
  log_level?: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | null;
  workflow?: readonly (readonly ['train' | 'val', number])[] | null;
  deterministic?: boolean | null;
  custom_hooks?: readonly { type: string; [key: string]: unknown }[] | null;
  /** Your own files (data sets, layers, ...), relative to this config. */
  custom_imports?:
    readonly string[] | { imports: string | readonly string[]; allow_failed_imports?: boolean } | null;
};

/**
 * Gives a config file completion and type checks in the editor; returns what it is given.
 *
 * @example export default defineConfig({ _base_: './base.ts', data: { samples_per_gpu: 16 } });
 */
export function defineConfig<C extends ConfigInput>(config: C): C {
  return config;
}
