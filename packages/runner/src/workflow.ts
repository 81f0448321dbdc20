import type { RunConfig } from '@bidl/config';
import { ConfigError } from '@bidl/registry';

/**
 * Epochs from one validation to the next, as a config's `workflow` has it: `[['train', n], ['val', 1]]` trains n epochs
 * between validations; `[['train', 1]]`, upstream's own, validates every epoch.
 *
 * @throws ConfigError for phases that would mean something else in MMEngine's forebears, with the reason.
 */
export function validationInterval(workflow: RunConfig['workflow']): number {
  const [first, second, ...more] = workflow;
  const refuse = (place: string, reason: string): never => {
    const remedy = "Write [['train', n], ['val', 1]] to validate after every n epochs.";
    throw new ConfigError(`${place} ${reason}. ${remedy}`, place);
  };
  if (!first || first[0] !== 'train')
    return refuse('workflow[0]', 'must train: there is nothing to validate before');
  if (more.length > 0)
    return refuse('workflow[2]', 'is one phase too many: training and validation take turns');
  if (!second) return 1;
  if (second[0] !== 'val') return refuse('workflow[1]', 'trains again: add its epochs to the first phase');
  if (second[1] !== 1)
    return refuse('workflow[1][1]', `is ${second[1]}: validating twice gives the same numbers`);
  return first[1];
}
