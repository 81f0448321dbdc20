/** What upstream wraps into a module of its own: the synapse and the neuron of a spiking layer, a convolution. */
const WRAPPERS: ReadonlySet<string> = new Set(['p0', 'conv', 'lif', 'lifplus']);

/** What we (and tfjs) call the weights of a BatchNorm, by PyTorch's names. */
const OF_NORM: Readonly<Record<string, readonly string[]>> = {
  weight: ['gamma'],
  bias: ['beta'],
  running_mean: ['mean', 'moving_mean'],
  running_var: ['variance', 'moving_variance'],
};

/** And of every other layer. A neuron's parameters (`alpha`, `theta`) are called the same. */
const OF_LAYER: Readonly<Record<string, readonly string[]>> = { weight: ['kernel', 'embeddings'] };

/**
 * A key as if its network had been saved alone: without the wrappers that DataParallel and upstream's TimeDistributed
 * put around modules (`module.`), and without the classifier's (`backbone.`).
 */
export const bareKey = (key: string): string =>
  key
    .split('.')
    .filter((part) => part !== 'module')
    .join('.')
    .replace(/^backbone\./, '');

/** Keys that stand for nothing here: how many batches a BatchNorm has seen (its momentum is fixed). */
export const isCounter = (key: string): boolean => key.endsWith('.num_batches_tracked');

/**
 * What a weight may be called here, the plainest first: `clif1.lif.norm.weight` is `clif1/lif/norm/gamma` or
 * `clif1/norm/gamma`. A module is a place; a BatchNorm also stands under the place that it belongs to.
 *
 * @param key without wrappers, see {@link bareKey}
 * @param keys all keys of the file, likewise
 */
export function namesOf(key: string, keys: { has(key: string): boolean }): string[] {
  const path = key.split('.');
  const last = path.pop() ?? '';
  const isNorm = (module: readonly string[]) => keys.has([...module, 'running_mean'].join('.'));
  const norm = isNorm(path);
  const owner = unwrapped(norm || isNorm(nextSibling(path)) ? path.slice(0, -1) : path);
  const places = [path, norm ? [...owner, 'norm'] : owner];
  const weights = (norm ? OF_NORM : OF_LAYER)[last] ?? [last];
  const names = places.flatMap((place) => weights.map((weight) => [...place, weight].join('/')));
  return [...new Set(names)];
}

/** The module behind one in a row: of `conv.0` the BatchNorm `conv.1`. */
const nextSibling = (path: readonly string[]): string[] => [
  ...path.slice(0, -1),
  String(Number(path.at(-1)) + 1),
];

/** The place that a module's innermost wrappers belong to; the outermost module is never one. */
function unwrapped(path: readonly string[]): string[] {
  let end = path.length;
  while (end > 1 && WRAPPERS.has(path[end - 1] ?? '')) end--;
  return path.slice(0, end);
}
