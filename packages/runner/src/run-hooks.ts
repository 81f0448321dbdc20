import type { RunConfig } from '@bidl/config';
import { checkpointHook, type RunFacts } from './hooks/checkpoint-hook.js';
import { historyHook } from './hooks/history-hook.js';
import { hooks, type Hook } from './hooks/hook.js';
import { loggerHook } from './hooks/logger-hook.js';
import { lrHook } from './hooks/lr-hook.js';
import { optimizerHook } from './hooks/optimizer-hook.js';
import { validationHook } from './hooks/validation-hook.js';
import type { Loader } from './loop/loader.js';

/** What the hooks of a run need to know of it. */
export interface HookContext {
  readonly workDir: string;
  readonly facts: RunFacts;
  readonly validation: Loader | undefined;
  /** Epochs from one validation to the next. */
  readonly validateEvery: number;
}

/**
 * The hooks of a run, in their order: update, validation, rate (which may follow what validation found), the config's
 * own, then history, checkpoint and log.
 */
export function runHooks(
  config: RunConfig,
  { workDir, facts, validation, validateEvery }: HookContext,
): Hook[] {
  return [
    optimizerHook(config.optimizer_config),
    ...(validation ? [validationHook(validation, validateEvery)] : []),
    lrHook(),
    ...config.custom_hooks.map((hook, i) => hooks.build(hook, undefined, `custom_hooks[${i}]`)),
    historyHook(),
    checkpointHook({ workDir, facts, interval: config.checkpoint_config.interval }),
    loggerHook({ interval: config.log_config.interval }),
  ];
}
