/** What a config's name says. */
export interface ConfigName {
  /** `resnetlif18-itout`: the backbone, with its suffixes. */
  readonly model: string;
  /** Samples per device and loader threads per device (`b16x4`). */
  readonly batch: number;
  readonly workers: number;
  /** Time steps of a sample (`-16-` after the batch), when named. */
  readonly frames?: number;
  /** Learning rate strategy and epochs (`cos160e`), when named. */
  readonly policy?: 'cos' | 'step';
  readonly epochs?: number;
  /** `cifar10dvs` of `cifar10dvs_mp`. */
  readonly data: string;
  /** `mp` of `cifar10dvs_mp`. */
  readonly variant?: string;
}

/** The rule for names, in words. */
export const NAME_RULE =
  'model-training-data, for example clif3fc3dm_itout-b16x2-nmnist or resnetlif18-b16x4-jester-cos160e';

/**
 * Reads a config name, model-training-data:
 *
 * ```ebnf
 * name     = model , "-" , batch , [ "-" , frames ] , { "-" , strategy } , "-" , data , { "-" , strategy } ;
 * model    = word , { "-" , word } ;              (* everything before the batch *)
 * batch    = "b" , count , "x" , number ;         (* samples per device x loader threads *)
 * frames   = count ;                              (* time steps of a sample *)
 * strategy = ( "cos" | "step" ) , count , "e" ;   (* learning rate policy and epochs; at most one *)
 * data     = plain , [ "_" , word ] ;             (* data set, variant *)
 * word     = letter , { letter | digit | "_" } ;
 * plain    = letter , { letter | digit } ;
 * count    = nonzero , { digit } ;    number = digit , { digit } ;
 * ```
 *
 * @returns null when the name does not follow the rule
 * @example parseConfigName('resnetlif18-b16x4-jester-cos160e')
 * // { model: 'resnetlif18', batch: 16, workers: 4, data: 'jester', policy: 'cos', epochs: 160 }
 */
export function parseConfigName(name: string): ConfigName | null {
  const parts = name.split('-');
  const at = parts.findIndex((part) => BATCH.test(part));
  const model = parts.slice(0, Math.max(at, 0));
  if (at < 1 || !model.every((word) => WORD.test(word))) return null;
  const rest = parts.slice(at + 1);
  const frames = COUNT.test(rest[0] ?? '') ? Number(rest.shift()) : undefined;
  const strategies = rest.filter((part) => STRATEGY.test(part));
  const words = rest.filter((part) => !STRATEGY.test(part));
  const data = DATA.exec(words.join('-'));
  if (strategies.length > 1 || words.length !== 1 || !data) return null;
  const [, batch, workers] = BATCH.exec(parts[at] ?? '') ?? [];
  const [, policy, epochs] = STRATEGY.exec(strategies[0] ?? '') ?? [];
  return {
    model: model.join('-'),
    batch: Number(batch),
    workers: Number(workers),
    ...(frames !== undefined && { frames }),
    ...(policy !== undefined && { policy: policy as 'cos' | 'step', epochs: Number(epochs) }),
    data: data[1] ?? '',
    ...(data[2] !== undefined && { variant: data[2] }),
  };
}

const WORD = /^[A-Za-z]\w*$/;
const BATCH = /^b([1-9]\d*)x(\d+)$/;
const COUNT = /^[1-9]\d*$/;
const STRATEGY = /^(cos|step)([1-9]\d*)e$/;
const DATA = /^([A-Za-z][A-Za-z\d]*)(?:_([A-Za-z]\w*))?$/;

/** A name without case and punctuation: `dvs-mnist`, `DvsMnist` and `dvsmnist` are the same data set. */
export const squash = (name: string): string => name.toLowerCase().replace(/[^a-z\d]/g, '');
