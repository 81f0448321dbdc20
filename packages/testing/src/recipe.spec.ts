import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { golden, goldenCases } from './golden.js';
import { recipe, type RecipeKind, recipeValues } from './recipe.js';
import { repositoryRoot } from './root.js';

/** Rows of the table of check values in RECIPE.md, read from the page itself. */
const rows = readFileSync(join(repositoryRoot(), 'fixtures', 'golden', 'RECIPE.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| (\d+) \| (\w+) \| \[([\d, ]+)\] \| (\S+), (\S+), (\S+), \.\.\. (\S+) \|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, i, kind, shape, ...values]) => ({
    i: Number(i),
    kind: kind as RecipeKind,
    shape: shape!.split(', ').map(Number),
    values: values.map((v) => Math.fround(Number(v))),
  }));

describe('recipe', () => {
  it('has eight check values to compare with', () => {
    expect(rows).toHaveLength(8);
  });

  it.each(rows)('gives the check values of entry $i, $kind', ({ i, kind, shape, values }) => {
    const got = recipeValues(i, shape, kind);
    const picked = [got[0], got[1], got[2], got.at(-1)];
    picked.forEach((value, k) => {
      // The table shows 9 digits of numbers that math libraries may round differently by one unit in the last place.
      expect(Math.abs(value! - values[k]!)).toBeLessThanOrEqual(Math.abs(values[k]!) * 2 ** -23);
    });
  });

  it('multiplies BatchNorm weights by bn_gain, and nothing else', () => {
    const plain = recipe({ ...golden('backbones', 'gain_vgg7_snn_spike').json, bn_gain: undefined });
    const { json } = golden('backbones', 'gain_vgg7_snn_spike');
    const gained = recipe(json);
    const changed = [...gained.keys()].filter((k) => gained.get(k)!.data[0] !== plain.get(k)!.data[0]);
    const rowsOf = json.state_dict as [number, string, number[], string][];
    expect(changed).toEqual(rowsOf.filter(([, , , kind]) => kind === 'bn_weight').map(([, key]) => key));
    const key = changed[0]!;
    const ratio = Number(gained.get(key)!.data[0]) / Number(plain.get(key)!.data[0]);
    expect(ratio).toBeCloseTo(json.bn_gain as number, 5);
  });

  it('fills every entry of each kind of network', () => {
    for (const name of goldenCases('backbones', /fasttext|fc3lc|fc3dm_itout_(spike|channel)|flifplus/)) {
      const { json } = golden('backbones', name);
      const weights = recipe(json);
      const total = [...weights].filter(([k]) => !/num_batches|running_/.test(k));
      const count = total.reduce((sum, [, a]) => sum + a.data.length, 0);
      expect([name, count]).toEqual([name, json.total_params]);
    }
  });

  it('fills neuron constants from the constructor', () => {
    const lif = recipe(golden('backbones', 'clif3fc3dm_itout_spike').json);
    expect(lif.get('clif1.lif.alpha')).toEqual({
      dtype: 'float32',
      shape: [],
      data: new Float32Array([0.3]),
    });
    expect(lif.get('clif1.lif.norm.num_batches_tracked')!.data[0]).toBe(0n);
    expect([...lif.keys()].slice(0, 3)).toEqual(['clif1.p0.weight', 'clif1.p0.bias', 'clif1.lif.alpha']);
    const shared = recipe(golden('backbones', 'clif3fc3dm_itout_channelshare').json);
    expect([...shared.get('clif1.lif.theta')!.data].every((v) => v === 0.5)).toBe(true);
    const plus = recipe(golden('backbones', 'clifplus3fc3dm_itout_analog').json);
    expect(plus.get('clif1.lifplus.tau_recip')!.data[0]).toBe(0.5);
    expect(plus.get('clif1.lifplus.epsilon')!.data[0]).toBe(0.25);
  });

  it('shows the embedding through its transposed alias', () => {
    const weights = recipe(golden('backbones', 'fasttext_itout').json);
    const alias = weights.get('embedding_fc.weight')!;
    expect(alias.shape).toEqual([16, 1001]);
    expect(alias.data[1]).toBe(weights.get('embedding.weight')!.data[16]);
    expect([...weights.keys()].at(-1)).toBe('embedding_fc.weight');
  });

  it('refuses a case whose weights are stored', () => {
    expect(() => recipe(golden('attention', 'tcja_T4_C5_B1').json)).toThrow(
      'its weights are stored, see param/*',
    );
    expect(() => recipe({ case: 'x', state_dict: [[0, 'lif.gamma', [], 'unchanged', 'float32']] })).toThrow(
      'the recipe has no value for lif.gamma',
    );
  });
});
