import { startEngine, tf } from '@bidl/engine';
import { type NdArray, ndarray, sizeOf, transpose } from '@bidl/formats';
import { Conv2dLif, FcLif, Lif2d, namedWeights, OverTime } from '@bidl/neurons';
import { InteropError, WeightMappingError } from '../errors.js';
import { mapTorchWeights } from './map-weights.js';
import { torchCheckpoint } from './state-dict.js';

beforeAll(() => startEngine({ backend: 'cpu' }));

const counted = (...shape: number[]): NdArray =>
  ndarray(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => i),
    shape,
  );
const modelOf = (input: number[], layers: tf.layers.Layer[]): tf.LayersModel => {
  const start = tf.input({ shape: input, name: 'input' });
  const output = layers.reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, start);
  return tf.model({ inputs: start, outputs: output, name: 'Net' });
};
const dense = (name: string, units: number) => new OverTime(tf.layers.dense({ name, units }));
const map = (model: tf.LayersModel, weights: Record<string, NdArray>, strict = true) =>
  mapTorchWeights(model, { weights: new Map(Object.entries(weights)), others: [] }, { strict });

describe('layouts', () => {
  it('kernels have their outputs last', () => {
    const conv = tf.layers.conv2d({ name: 'conv/0', filters: 5, kernelSize: [2, 3] });
    const model = modelOf([4, 6, 6, 2], [new OverTime(conv)]);
    const weight = counted(5, 2, 2, 3);
    const { weights, report } = map(model, { 'conv.0.weight': weight, 'conv.0.bias': counted(5) });
    expect(weights.get('conv/0/kernel')).toEqual(transpose(weight, [2, 3, 1, 0]));
    expect(report.mapped[0]).toEqual({
      from: 'conv.0.weight',
      to: 'conv/0/kernel',
      fromShape: [5, 2, 2, 3],
      toShape: [2, 3, 2, 5],
      turned: 'OIHW -> HWIO',
    });
  });

  it.each([
    ['at once', []],
    ['behind something that keeps the features', [new OverTime(tf.layers.reLU({ name: 'relu' }))]],
  ])('a layer over a flattened image takes its pixels in our order, %s', (_, between) => {
    const model = modelOf(
      [4, 2, 3, 5],
      [
        new OverTime(tf.layers.flatten({ name: 'flat' })),
        ...between,
        dense('fc', 7),
        dense('fc2', 30),
        dense('fc3', 2),
      ],
    );
    const weight = counted(7, 5 * 2 * 3);
    const { weights, report } = map(model, {
      'fc.weight': weight,
      'fc.bias': counted(7),
      'fc2.weight': counted(30, 7),
      'fc2.bias': counted(30),
      'fc3.weight': counted(2, 30),
      'fc3.bias': counted(2),
    });
    const kernel = weights.get('fc/kernel')!;
    const { data } = weight;
    for (const [h, w, c, out] of [
      [0, 0, 0, 0],
      [1, 2, 4, 6],
      [1, 0, 3, 2],
    ] as const)
      // prettier-ignore
      expect(kernel.data[((h * 3 + w) * 5 + c) * 7 + out]).toBe(data[out * 30 + (c * 2 + h) * 3 + w]);
    // The next layers have no image in front of them, though one has as many features.
    expect(report.mapped.map((m) => m.turned).filter(Boolean)).toEqual([
      'O(CHW) -> (HWC)O',
      'OI -> IO',
      'OI -> IO',
    ]);
  });

  it('spiking neurons over a flattened image: their synapse alone', () => {
    const flif = new FcLif({ name: 'flif1', hidden_channel: 12 });
    const model = modelOf([4, 2, 2, 3], [new OverTime(tf.layers.flatten({ name: 'flat' })), flif]);
    const params = ['lif.alpha', 'lif.beta', 'lif.theta', 'lif.v_0'].map((name) => [name, counted()]);
    const norm = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => [
      `lif.norm.${name}`,
      counted(12),
    ]);
    const parts = [['p0.weight', counted(12, 12)], ['p0.bias', counted(12)], ...params, ...norm];
    const dict = Object.fromEntries(parts.map(([name, array]) => [`flif1.${String(name)}`, array]));
    const { report } = map(model, dict as Record<string, NdArray>);
    expect(report.mapped.filter((m) => m.turned !== '').map((m) => m.to)).toEqual(['flif1/kernel']);
    expect(report.mapped[0]!.turned).toBe('O(CHW) -> (HWC)O');
  });

  it('one value a feature of a flattened image', () => {
    const norm = new OverTime(tf.layers.batchNormalization({ name: 'bn' }));
    const model = modelOf([4, 2, 1, 3], [new OverTime(tf.layers.flatten({ name: 'flat' })), norm]);
    const one = counted(6);
    const { weights } = map(model, {
      'bn.weight': one,
      'bn.bias': one,
      'bn.running_mean': one,
      'bn.running_var': one,
    });
    expect(weights.size).toBe(4);
    for (const { data } of weights.values()) expect([...data]).toEqual([0, 2, 4, 1, 3, 5]);
  });

  it('an image of one pixel needs no new order', () => {
    const model = modelOf([4, 1, 1, 3], [new OverTime(tf.layers.flatten({ name: 'flat' })), dense('fc', 2)]);
    const { report } = map(model, { 'fc.weight': counted(2, 3), 'fc.bias': counted(2) });
    expect(report.mapped[0]!.turned).toBe('OI -> IO');
  });
});

const clif = () =>
  modelOf([4, 6, 6, 2], [new Conv2dLif({ name: 'clif1', hidden_channel: 3, kernel_size: 3 })]);
const CLIF: Readonly<Record<string, NdArray>> = {
  'clif1.p0.weight': counted(3, 2, 3, 3),
  'clif1.p0.bias': counted(3),
  'clif1.lif.alpha': counted(),
  'clif1.lif.beta': counted(),
  'clif1.lif.theta': counted(),
  'clif1.lif.v_0': counted(),
  'clif1.lif.norm.weight': counted(3),
  'clif1.lif.norm.bias': counted(3),
  'clif1.lif.norm.running_mean': counted(3),
  'clif1.lif.norm.running_var': counted(3),
};
const renamed = (dict: Readonly<Record<string, NdArray>>, change: (key: string) => string) =>
  Object.fromEntries(Object.entries(dict).map(([key, array]) => [change(key), array]));

describe('names', () => {
  it.each<[string, (key: string) => string]>([
    ['saved alone', (key) => key],
    ['of a DataParallel', (key) => `module.${key}`],
    ['of a classifier', (key) => `backbone.${key}`],
    ['of both', (key) => `module.backbone.${key}`],
    ['of a TimeDistributed', (key) => key.replace('clif1.', 'clif1.module.')],
    ['of a BatchNorm in front of the membrane', (key) => key.replace('lif.norm', 'norm')],
    [
      'of modules of their own',
      (key) => key.replace('p0', 'conv').replace('lif.norm', 'bn').replace('1.lif', '1.lif.lif'),
    ],
    ['of LifPlus', (key) => key.replace('.lif.', '.lifplus.')],
    ['of a row of modules', (key) => key.replace('p0', '0').replace('lif.norm', '1')],
  ])('%s', (_, change) => {
    const { weights, report } = map(clif(), renamed(CLIF, change));
    expect([...weights.keys()].sort()).toEqual(
      namedWeights(clif())
        .map((w) => w.name)
        .sort(),
    );
    expect(report.mapped.find((m) => m.to === 'clif1/norm/gamma')!.from).toMatch(/(norm|bn|1)\.weight$/);
  });

  it('a neuron without a synapse, with parameters for each channel', () => {
    const lif = new Lif2d({ name: 'layer1/0/lif1', soma_params: 'channel_share' });
    const params = ['alpha', 'beta', 'theta', 'v_0'].map((name) => [
      `layer1.0.lif1.lif.${name}`,
      counted(1, 2, 1, 1),
    ]);
    const { weights } = map(
      modelOf([4, 6, 6, 2], [lif]),
      Object.fromEntries(params) as Record<string, NdArray>,
    );
    expect(weights.get('layer1/0/lif1/theta')).toEqual(counted(2));
  });

  it('two keys that differ in wrappers alone are refused', () => {
    expect(() => map(clif(), { ...CLIF, 'module.clif1.p0.bias': counted(3) })).toThrow(
      'keys clif1.p0.bias and module.clif1.p0.bias are the same but for their wrappers',
    );
  });
});

describe('weights of another network', () => {
  const fault = (weights: Record<string, NdArray>, strict = true): WeightMappingError => {
    try {
      map(clif(), weights, strict);
    } catch (error) {
      expect(error).toBeInstanceOf(WeightMappingError);
      return error as WeightMappingError;
    }
    throw new Error('they were taken');
  };

  it('missing and unexpected keys, with the one that was probably meant', () => {
    const { message, report } = fault(renamed(CLIF, (key) => key.replace('p0.weight', 'p1.weight')));
    expect(message).toBe(
      'these weights are not those of Net.\n' +
        '  1 missing in the file:\n' +
        '    clif1/kernel (in PyTorch [3, 2, 3, 3]; the file has clif1.p1.weight)\n' +
        '  1 unexpected in the file:\n' +
        '    clif1.p1.weight [3, 2, 3, 3]',
    );
    expect(report.mapped).toHaveLength(9);
  });

  it('another shape, on both sides, strict or not', () => {
    for (const strict of [true, false]) {
      expect(fault({ ...CLIF, 'clif1.p0.weight': counted(3, 1, 3, 3) }, strict).message).toContain(
        'clif1.p0.weight (file [3, 1, 3, 3], network [3, 2, 3, 3] for clif1/kernel)',
      );
    }
    expect(fault({ ...CLIF, 'clif1.lif.alpha': counted(1, 3, 1, 1) }).message).toContain(
      'clif1.lif.alpha (file [1, 3, 1, 1], network [] for clif1/alpha)',
    );
  });

  it('ten of many are shown', () => {
    const extra = Array.from({ length: 14 }, (_, i) => [`fc${i}.weight`, counted(1)] as const);
    expect(fault({ ...CLIF, ...Object.fromEntries(extra) }).message).toMatch(
      /fc9\.weight \[1\]\n {4}and 4 more$/,
    );
  });

  it('not strict: what fits is taken, and the report says the rest', () => {
    const rest = Object.fromEntries(Object.entries(CLIF).filter(([key]) => key !== 'clif1.lif.beta'));
    const { weights, report } = map(clif(), { ...rest, 'fc.weight': counted(2, 2) }, false);
    expect(weights.size).toBe(9);
    expect(report.missing).toEqual([{ name: 'clif1/beta', shape: [] }]);
    expect(report.unused).toEqual([{ key: 'fc.weight', shape: [2, 2] }]);
  });

  it('whole numbers', () => {
    const ints = ndarray(new BigInt64Array(3));
    expect(() => map(clif(), { ...CLIF, 'clif1.p0.bias': ints })).toThrow('clif1.p0.bias is of type int64');
  });

  it('half precision is widened, double precision is rounded', () => {
    const half = ndarray(Uint16Array.of(0x3c00, 0xc000, 0x3555), [3], 'float16');
    const double = ndarray(Float64Array.of(0.1, 1e-50, 3), [3]);
    const { weights } = map(clif(), { ...CLIF, 'clif1.p0.bias': half, 'clif1.lif.norm.bias': double });
    expect(weights.get('clif1/bias')!.data).toEqual(Float32Array.of(1, -2, 0.333251953125));
    expect(weights.get('clif1/norm/beta')!.data).toEqual(Float32Array.of(0.1, 0, 3));
  });
});

describe('where the weights are in a checkpoint', () => {
  const weights = new Map([['fc.weight', counted(2, 2)]]);
  it.each([
    ['alone', weights],
    ['as upstream keeps them', new Map([['state_dict', weights]])],
    ['as others do', new Map([['model_state_dict', weights]])],
  ])('%s', (_, value) => {
    expect([...torchCheckpoint(value).weights.keys()]).toEqual(['fc.weight']);
  });

  it('what is no tensor is set aside', () => {
    const { others } = torchCheckpoint(new Map<string, NdArray | number>([...weights, ['version', 2]]));
    expect(others).toEqual(['version']);
  });

  it.each([
    [[1, 2], 'this file holds no state_dict'],
    [new Map([[[1], 3]]), 'this checkpoint holds no state_dict (it has (a key that is no text))'],
    [new Map([['epoch', 3]]), 'this checkpoint holds no state_dict (it has epoch)'],
    [new Map(), 'holds no state_dict'],
  ])('nowhere: %p', (value, message) => {
    expect(() => torchCheckpoint(value)).toThrow(InteropError);
    expect(() => torchCheckpoint(value)).toThrow(message);
  });
});
