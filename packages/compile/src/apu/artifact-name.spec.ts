import { artifactName } from './artifact-name.js';

test.each([
  ['clif3fc3dm_itout-b16x1-dvsmnist', 'Clif3fc3dm_itoutDm'],
  ['clif3fc3dm_itout-b16x2-nmnist', 'Clif3fc3dm_itoutNm'],
  ['clif3flif2dg_itout-b16x1-dvsgesture', 'Clif3flif2dg_itoutDg'],
  ['resnetlif50-itout-b8x1-cifar10dvs', 'Resnetlif50CdItout'],
  ['resnetlif18-itout-b20x4-16-jester', 'Resnetlif18JtItout'],
  ['clif3fc3lc_itout-b16x1-luna16cls', 'Clif3fc3lc_itoutLc'],
  ['fasttext_itout-b16x1-imdb', 'Fasttext_itoutImdb'],
  ['clif3fc3mn_itout-b16x1-mnist', 'Clif3fc3mn_itoutmn'],
  ['tiny-b16x4-gestures-cos160e', 'TinyGestures'],
  ['tiny', 'Tiny'],
])('%s goes to %s', (config, want) => {
  expect(artifactName(config)).toBe(want);
});

test('a batch is marked', () => {
  expect(artifactName('clif3fc3dm_itout-b16x1-dvsmnist', { batch: 4 })).toBe('Clif3fc3dm_itoutDm_b');
});
