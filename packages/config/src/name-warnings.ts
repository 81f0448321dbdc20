import get from 'lodash/get.js';

import type { RawConfig } from './merge.js';
import { NAME_RULE, parseConfigName, squash } from './name.js';

/**
 * Where a config's name says other things than its content: one sentence each. `config` is the content of the
 * file, before any overrides from the command line. A name may leave things out; what it says should hold.
 */
export function nameWarnings(name: string, config: RawConfig): string[] {
  const said = parseConfigName(name);
  if (!said) return [`the name "${name}" does not follow the rule ${NAME_RULE}`];
  const warnings: string[] = [];
  const compare = (what: string, path: string, says: unknown): void => {
    const has: unknown = get(config, path);
    if (says !== undefined && has !== undefined && has !== null && has !== says) {
      warnings.push(`the name "${name}" says ${what} ${String(says)}, but ${path} is ${String(has)}`);
    }
  };
  compare('batch size', 'data.samples_per_gpu', said.batch);
  compare('worker threads', 'data.workers_per_gpu', said.workers);
  compare('epochs', 'runner.max_epochs', said.epochs);
  compare('time steps', 'model.backbone.timestep', said.frames);

  const policy: unknown = get(config, 'lr_config.policy');
  const wanted = { cos: /^cos/i, step: /step/i }[said.policy ?? 'cos'];
  if (said.policy !== undefined && typeof policy === 'string' && !wanted.test(policy)) {
    warnings.push(
      `the name "${name}" says the learning rate strategy "${said.policy}", but lr_config.policy is ${policy}`,
    );
  }
  const type: unknown = get(config, 'data.train.type');
  if (typeof type === 'string' && !sameData(said.data, type)) {
    warnings.push(`the name "${name}" says the data set "${said.data}", but data.train.type is ${type}`);
  }
  return warnings;
}

/** `jester` names `Jester20bn` as well: one may go on where the other ends. */
function sameData(said: string, type: string): boolean {
  const [a, b] = [squash(said), squash(type)];
  return a.startsWith(b) || b.startsWith(a);
}
