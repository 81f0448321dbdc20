import path from 'node:path';

/** Endings of artifact folders by data set, as upstream has them; `Nm` (N-MNIST) is ours. */
const ENDINGS: Readonly<Record<string, string>> = {
  dvsmnist: 'Dm',
  luna16cls: 'Lc',
  luna16cls32: 'Lc',
  dvsgesture: 'Dg',
  cifar10dvs: 'Cd',
  rgbgesture: 'Rg',
  jester: 'Jt',
  jester20bn: 'Jt',
  esimagenet: 'Es',
  imdb: 'Imdb',
  mnist: 'mn',
  nmnist: 'Nm',
};

/** Where artifacts go unless told otherwise. */
export const ARTIFACT_ROOT = path.join('model_files', 'classification');

/**
 * Name of the folder that a config's artifact goes to: the model's token, capitalised, and the data set's ending. Of
 * ResNets the second token follows (`Resnetlif50CdItout`); `_b` marks a batch of more than one. A data set that
 * upstream doesn't know ends in its own name.
 *
 * @param config its name, `clif3fc3dm_itout-b16x1-dvsmnist`
 *
 * @example artifactName('clif3fc3dm_itout-b16x1-dvsmnist') // Clif3fc3dm_itoutDm
 */
export function artifactName(config: string, { batch = 1 }: { readonly batch?: number } = {}): string {
  const [model = 'model', ...rest] = config.split('-').filter((token) => token !== '');
  const data = rest.find((token) => Object.hasOwn(ENDINGS, token)) ?? rest.find(isData) ?? '';
  const ending = ENDINGS[data] ?? capitalised(data);
  const [second] = rest;
  const resnet = model.startsWith('resnetlif') && /^it/.test(second ?? '') ? capitalised(second ?? '') : '';
  return `${capitalised(model)}${ending}${resnet}${batch > 1 ? '_b' : ''}`;
}

/** A token that names data: not a batch (`b16x4`), a count, a schedule (`cos160e`), or an `itout`. */
const isData = (token: string): boolean => !/^(b\d+x\d+|\d+|t\d+|it\w*|[a-z]+\d+e)$/.test(token);

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
