import { isLoaded, type LoadedConfig, type RunConfig } from '@bidl/config';

/** A config and the name its runs go by. */
export interface NamedConfig {
  readonly config: RunConfig;
  readonly name: string;
  readonly warnings: readonly string[];
}

/** Either form in which `train` and `test` take a config; one made in code goes by the name `run`. */
export function named(config: RunConfig | LoadedConfig): NamedConfig {
  return isLoaded(config) ? config : { config, name: 'run', warnings: [] };
}
