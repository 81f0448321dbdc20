import fc from 'fast-check';

import { parseConfigName } from './index.js';

describe('parseConfigName', () => {
  it.each([
    [
      'clif3fc3dm_itout-b16x1-dvsmnist',
      { model: 'clif3fc3dm_itout', batch: 16, workers: 1, data: 'dvsmnist' },
    ],
    ['resnetlif10-b16x1-dvsmnist', { model: 'resnetlif10', batch: 16, workers: 1, data: 'dvsmnist' }],
    [
      'resnetlif18-b16x4-jester-cos160e',
      { model: 'resnetlif18', batch: 16, workers: 4, data: 'jester', policy: 'cos', epochs: 160 },
    ],
    [
      'resnetlif18-itout-b20x4-16-jester',
      { model: 'resnetlif18-itout', batch: 20, workers: 4, frames: 16, data: 'jester' },
    ],
    [
      'resnetlif50-itout-b8x1-cifar10dvs_mp',
      { model: 'resnetlif50-itout', batch: 8, workers: 1, data: 'cifar10dvs', variant: 'mp' },
    ],
    [
      'attentionVGG-it-b64x1-cifar10dvs',
      { model: 'attentionVGG-it', batch: 64, workers: 1, data: 'cifar10dvs' },
    ],
    ['clif3fc3dm_itout-b16x2-nmnist', { model: 'clif3fc3dm_itout', batch: 16, workers: 2, data: 'nmnist' }],
    ['a-b1x0-cos5e-d', { model: 'a', batch: 1, workers: 0, data: 'd', policy: 'cos', epochs: 5 }],
  ])('reads %s', (name, parsed) => {
    expect(parseConfigName(name)).toEqual(parsed);
  });

  it.each([
    '',
    'nmnist',
    'b16x2-nmnist',
    'net-b16-nmnist',
    'net-b0x1-nmnist',
    'net-b16x2',
    'net-b16x2-a-b',
    'net-b16x2-d-cos1e-step2e',
    '3net-b16x2-d',
    'net-b16x2-16',
  ])('refuses %j', (name) => {
    expect(parseConfigName(name)).toBeNull();
  });

  it('reads back whatever is written by the rule', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/).filter((text) => !/^b\d+x\d+$/.test(text));
    const data = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).filter((text) => !/^(cos|step)\d+e$/.test(text));
    const count = fc.integer({ min: 1, max: 9999 });
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 3 }),
        count,
        fc.nat(64),
        data,
        fc.option(count),
        (model, batch, workers, set, epochs) => {
          const name = [
            ...model,
            `b${batch}x${workers}`,
            set,
            ...(epochs === null ? [] : [`cos${epochs}e`]),
          ].join('-');
          const expected = { model: model.join('-'), batch, workers, data: set };
          expect(parseConfigName(name)).toEqual(
            epochs === null ? expected : { ...expected, policy: 'cos', epochs },
          );
        },
      ),
    );
  });
});
