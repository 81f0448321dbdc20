import { ndarray } from '@bidl/formats';
import { golden, goldenCases } from './golden.js';
import { flattenedImages, upstreamLayout, upstreamNames } from './upstream.js';

const keysOf = (name: string): string[] =>
  (golden('backbones', name).json['state_dict'] as [number, string][]).map(([, key]) => key);

test.each([
  ['clif3fc3dm_itout_spike', 'clif1.p0.weight', 'clif1/kernel'],
  ['clif3fc3dm_itout_spike', 'clif1.lif.v_0', 'clif1/v_0'],
  ['clif3fc3dm_itout_spike', 'clif1.lif.norm.running_var', 'clif1/norm/variance'],
  ['clif3fc3dm_itout_spike', 'head.4.bias', 'head/4/bias'],
  ['clif3flif2dg_itout_spike', 'norm.weight', 'norm/gamma'],
  ['clifplus3fc3dm_itout_analog', 'clif1.lifplus.tau_recip', 'clif1/tau_recip'],
  ['attentionvgg_b1', 'conv1.conv.weight', 'conv1/kernel'],
  ['attentionvgg_b1', 'conv1.bn.bias', 'conv1/norm/beta'],
  ['attentionvgg_b1', 'conv1.lif.lif.alpha', 'conv1/alpha'],
  ['attentionvgg_b1', 'twa1.sharedMLP.2.weight', 'twa1/sharedMLP/2/kernel'],
  ['attentionvgg_b1', 'fc.1.weight', 'fc/1/kernel'],
  ['resnetlif18_itout_spike', 'conv.0.weight', 'conv/kernel'],
  ['resnetlif18_itout_spike', 'conv.1.running_mean', 'conv/norm/mean'],
  ['resnetlif18_itout_spike', 'lif.lif.theta', 'lif/theta'],
  ['resnetlif18_itout_spike', 'layer2.0.conv1.1.weight', 'layer2/0/conv1/norm/gamma'],
  ['resnetlif18_itout_spike', 'layer2.0.downsample.1.bias', 'layer2/0/downsample/bias'],
  ['resnetlif18_itout_spike', 'layer2.0.lif1.lif.beta', 'layer2/0/lif1/beta'],
  ['resnetlif50_it_spike', 'layer1.0.conv1.module.0.weight', 'layer1/0/conv1/kernel'],
  ['fasttext_itout', 'lif.p0.bias', 'lif/bias'],
  ['fasttext_itout', 'embedding_fc.weight', undefined],
])('%s: %s is %s', (name, key, want) => {
  const keys = keysOf(name);
  expect(keys).toContain(key);
  expect(upstreamNames(keys).get(key)).toBe(want);
});

test('no two keys of a network have one name', () => {
  for (const name of goldenCases('backbones', /^(?!param_counts)/)) {
    const names = [...upstreamNames(keysOf(name)).values()];
    expect([name, new Set(names).size]).toEqual([name, names.length]);
  }
});

test('a linear layer behind a flatten reads its inputs channels last', () => {
  // Two channels of 1x2, one output: torch has [c0w0, c0w1, c1w0, c1w1].
  const turned = upstreamLayout('head.0.weight', ndarray(Float32Array.of(1, 2, 3, 4), [1, 4]), [2, 1, 2]);
  expect([turned.shape, Array.from(turned.data as Float32Array)]).toEqual([
    [4, 1],
    [1, 3, 2, 4],
  ]);
});

test('finds what was flattened, through what brings the steps together', () => {
  const layer = (name: string, shape: readonly number[], sourceLayer?: object) => ({
    name,
    inboundNodes: [{ inputTensors: sourceLayer ? [{ shape, sourceLayer }] : [] }],
  });
  const conv = layer('clif1', []);
  const flat = layer('flat', [1, 5, 4, 3, 2], conv);
  const mean = layer('aggregate', [1, 5, 24], flat);
  const head = layer('head/0', [1, 24], mean);
  expect([...flattenedImages({ layers: [conv, flat, mean, head] })]).toContainEqual(['head/0', [2, 4, 3]]);
});
