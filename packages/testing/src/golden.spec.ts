import { golden, goldenCases, goldenFile } from './golden.js';
import { repositoryRoot } from './root.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

describe('golden cases', () => {
  it('are found from anywhere inside the repository', () => {
    expect(existsSync(join(repositoryRoot(__dirname), 'fixtures', 'golden', 'INDEX.md'))).toBe(true);
    expect(() => repositoryRoot('/')).toThrow('no folder above / holds fixtures/golden');
  });

  it('load with their arrays and shapes', () => {
    const g = golden('attention', 'aggregation_mean_dim0');
    expect(g.json.case).toBe('aggregation_mean_dim0');
    expect(g.get('x').shape).toEqual([3, 5, 2, 4]);
    expect(g.get('x').dtype).toBe('float32');
    expect(() => g.get('z')).toThrow(/attention\/aggregation_mean_dim0 has no array "z"; it has .*x/);
  });

  it('hand out groups of arrays by prefix', () => {
    const g = golden('attention', 'tcja_T4_C5_B1');
    expect([...g.within('grad/').keys()]).toHaveLength(3);
    expect(g.within('grad/').get('x')).toBe(g.get('grad/x'));
  });

  it.each(['attention', 'backbones', 'neurons', 'surrogates', 'losses'])(
    'all of group %s can be read',
    (group) => {
      for (const name of goldenCases(group)) {
        for (const [key, array] of golden(group, name).arrays) {
          expect([key, array.data.length]).toEqual([key, array.shape.reduce((a, b) => a * b, 1)]);
        }
      }
    },
  );

  it('refuse an empty selection', () => {
    expect(goldenCases('attention', /^tcja/)).toHaveLength(3);
    expect(() => goldenCases('attention', /^nothing/)).toThrow('no case that matches');
  });

  it('have files of other kinds beside them', () => {
    expect(existsSync(goldenFile('checkpoints', 'hostile.pth'))).toBe(true);
  });
});
