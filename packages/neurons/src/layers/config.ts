import { isSurrogateName, LIF_PLUS_PARAMS, NEURONS, SURROGATES, type Surrogate } from '@bidl/dynamics';
import type { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import type { SpikeFunc } from './surrogate-arg.js';

type Config = tf.serialization.ConfigDict;

/** Argument names with an underscore or a capital, by what tfjs makes of them when it reads a saved model. */
const ARGUMENTS = new Map([
  ['t', 'T'],
  ...[
    'memb_mode',
    'soma_params',
    'spike_func',
    'use_inner_loop',
    'it_batch',
    'norm_state',
    'input_channel',
    'hidden_channel',
    'kernel_size',
    'feed_back',
    'input_accum',
    'rev_volt',
    'fire_refrac',
    'spike_init',
    'trig_current',
    'memb_decay',
    ...Object.keys(LIF_PLUS_PARAMS),
    'all_share',
    'out_channels',
    'num_embeddings',
    'embedding_dim',
    'kernel_size_t',
    'kernel_size_c',
    'channel_share',
    'class_num',
    'neurons_num',
    'tau_pre',
    'tau_post',
    'trace_scale',
    'traces_additive',
    'max_delay',
  ].map((name) => [name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), name] as const),
]);

/**
 * Undoes what tfjs does to a layer's config on its way through a saved model: it turns every snake_case key and
 * string into camelCase, upstream's argument names and the names of surrogates included.
 */
export function revive(config: Config): Config {
  const entries = Object.entries(config).map(([key, value]) => [ARGUMENTS.get(key) ?? key, value] as const);
  const args: Record<string, unknown> = Object.fromEntries(entries);
  const soma = args['soma_params'];
  if (typeof soma === 'string') args['soma_params'] = ARGUMENTS.get(soma) ?? soma;
  if (typeof soma === 'object' && soma !== null) args['soma_params'] = revive(soma as Config);
  for (const [key, names] of [
    ['spike_func', Object.keys(SURROGATES)],
    ['neuron', Object.keys(NEURONS)],
  ] as const) {
    const named = args[key];
    if (typeof named === 'string') args[key] = nameOf(named, names);
    if (typeof named === 'object' && named !== null && 'type' in named) {
      args[key] = { ...named, type: nameOf(String(named.type), names) };
    }
  }
  return args as Config;
}

/**
 * A surrogate as it is saved. @throws LayerError for a surrogate that has no name in SURROGATES: a saved model
 * could not find it again.
 */
export function savedSurrogate(arg: SpikeFunc | undefined, surrogate: Surrogate, layer: string): Config {
  const named = typeof arg === 'string' ? arg : arg && 'type' in arg ? String(arg.type) : undefined;
  if (named !== undefined && isSurrogateName(named)) return { type: named, ...surrogate.args };
  if (arg === null || arg === undefined) return { type: 'Rectangle', ...surrogate.args };
  const found = Object.entries(SURROGATES).find(([, make]) => make().name === surrogate.name);
  if (found) return { type: found[0], ...surrogate.args };
  throw new LayerError(
    layer,
    `has a spike_func of its own ("${surrogate.name}"), which a saved model can't name; save the weights instead`,
  );
}

const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** The one of `names` that a saved model has made this of. */
const nameOf = (saved: string, names: readonly string[]): string =>
  names.find((name) => plain(name) === plain(saved)) ?? saved;
