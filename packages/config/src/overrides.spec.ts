import { applyOverrides } from './index.js';

const config = { data: { list: [{ size: 1 }, { size: 2 }], n: 4, clip: null }, lr: 0.1 };
const apply = (...options: string[]) => applyOverrides(config, options);

describe('applyOverrides', () => {
  it.each([
    ['lr=0.5', { lr: 0.5 }],
    ['lr=None', { lr: null }],
    ['lr=True', { lr: true }],
    ['lr=[1, 2]', { lr: [1, 2] }],
    ['lr={"a": 1}', { lr: { a: 1 } }],
    ['lr="0.5"', { lr: '0.5' }],
    ['lr=a=b', { lr: 'a=b' }],
    ['lr=', { lr: '' }],
    ['seed=3', { seed: 3 }],
    ['data.list.1.size=7', { data: { ...config.data, list: [{ size: 1 }, { size: 7 }] } }],
    ['data.list[0].size=7', { data: { ...config.data, list: [{ size: 7 }, { size: 2 }] } }],
    ['data.clip.max_norm=1', { data: { ...config.data, clip: { max_norm: 1 } } }],
    ['data={"n": 5}', { data: { ...config.data, n: 5 } }],
  ])('sets %s', (option, change) => {
    const before = JSON.stringify(config);
    const { config: result, issues } = apply(option);
    expect(issues).toEqual([]);
    expect(result).toEqual({ ...config, ...change });
    expect(JSON.stringify(config)).toBe(before);
  });

  it.each([
    ['lr', 'write it as key=value'],
    ['=3', 'write it as key=value'],
    ['data..n=3', 'the key is not a path'],
    ['__proto__.x=3', 'the key is not a path'],
    ['data.list.9.size=3', 'data.list is a list of 2, "9" is no index of it'],
    ['data.list.last=3', 'data.list is a list of 2, "last" is no index of it'],
    ['data.n.deep=3', 'data.n is 4, which has no keys'],
    ['data.lst.0.size=3', 'data.lst is not a known key. Did you mean "list"?'],
  ])('refuses %s', (option, message) => {
    const { config: result, issues } = apply(option);
    expect(issues).toHaveLength(1);
    expect(issues[0]?.message).toContain(`--cfg-options ${option}: ${message}`);
    expect(result).toEqual(config);
  });

  it('applies the good ones in order and lists all the bad ones', () => {
    const { config: result, issues, places } = apply('lr=1', 'oops', 'lr=2', 'data.n.x=1');
    expect(result['lr']).toBe(2);
    expect(issues).toHaveLength(2);
    expect(places).toEqual(['lr', 'lr']);
  });
});
