import type { NdArray } from '../array/ndarray.js';
import { ndarray } from '../array/ndarray.js';
import { toFloat32 } from '../array/float.js';
import { readNpz } from '../npy/npz.js';
import type { PickleValue } from '../pickle/value.js';
import { fixture, goldenCheckpoint } from '../spec/fixture.js';
import { isTorch, readTorch } from './read-torch.js';

type Dict = Map<string, PickleValue>;
type Tensors = Map<string, NdArray>;

const read = <T = Dict>(file: string): T => readTorch(fixture(`torch/${file}`)) as T;
/** What PyTorch itself saw: bfloat16 widened to float32, complex numbers as pairs. */
const expected = readNpz(fixture('torch/expected.npz'));
const expectedOf = (group: string): Tensors =>
  new Map(
    [...expected]
      .filter(([name]) => name.startsWith(`${group}/`))
      .map(([name, array]) => [name.slice(group.length + 1), array]),
  );

function expectSame(got: Tensors, want: Tensors): void {
  expect([...got.keys()]).toEqual([...want.keys()]);
  for (const [name, array] of want) {
    const tensor = got.get(name)!;
    expect([name, tensor.shape]).toEqual([name, array.shape]);
    if (tensor.dtype === 'bfloat16') expect([name, toFloat32(tensor)]).toEqual([name, array.data]);
    else expect([name, tensor.dtype, tensor.data]).toEqual([name, array.dtype, array.data]);
  }
}

describe('tensors are those that PyTorch sees', () => {
  it.each([
    ['dtypes', 'dtypes.pth'],
    ['dtypes', 'dtypes-legacy.pth'],
    ['dtypes', 'dtypes-big-endian.pth'],
    ['views', 'views.pth'],
    ['views', 'views-legacy.pth'],
    ['views', 'views-protocol3.pth'],
    ['views', 'views-protocol4.pth'],
    ['views', 'views-protocol5.pth'],
    ['views', 'views-deflated.pth'],
    ['views', 'views-no-checksums.pth'],
    ['tied', 'tied.pth'],
    ['tied', 'tied-legacy.pth'],
  ])('%s of %s', (group, file) => {
    expect(expectedOf(group).size).toBeGreaterThan(3);
    expectSame(read<Tensors>(file), expectedOf(group));
  });

  it('of every dtype', () => {
    expect(
      [...read<Tensors>('dtypes.pth')].map(([name, { dtype, shape }]) => `${name}: ${dtype} ${shape.length}`),
    ).toEqual([
      ...'float32 float64 float16 bfloat16 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool'
        .split(' ')
        .map((name) => `${name}: ${name} 2`),
      'complex64: float32 3',
      'complex128: float64 3',
    ]);
  });

  it.each(['zip', 'legacy'])('the golden strided, shared and offset ones, %s', (kind) => {
    const want = readNpz(goldenCheckpoint('odd_tensors.npz'));
    const file = readTorch(goldenCheckpoint(`odd_tensors_${kind}.pth`)) as Dict;
    const got = file.get('state_dict') as Tensors;
    expect([...got.keys()]).toEqual([...want.keys()]);
    for (const [name, array] of want) {
      const tensor = got.get(name)!;
      expect([name, tensor.shape, toFloat32(tensor)]).toEqual([name, array.shape, array.data]);
    }
  });
});

describe('memory', () => {
  it.each(['tied.pth', 'tied-legacy.pth'])('%s: a shared storage is decoded once', (file) => {
    const tensors = read<Tensors>(file);
    const [a, b, same, part] = ['a', 'b', 'same storage', 'part'].map((name) => tensors.get(name)!.data);
    expect(b).toBe(a);
    expect(same).toBe(a);
    expect(part!.buffer).not.toBe(a!.buffer);
  });

  it('belongs to the tensors, not to the file', () => {
    const file = fixture('torch/views.pth');
    const { data } = (readTorch(file) as Tensors).get('base')!;
    expect([data.buffer === file.buffer, data.buffer.byteLength]).toEqual([false, 96]);
  });
});

describe('what else a checkpoint holds', () => {
  it.each(['objects.pth', 'objects-legacy.pth'])('%s', (file) => {
    const { state_dict, parameter, ...rest } = Object.fromEntries(read(file));
    expect(state_dict).toEqual(
      new Map([
        ['weight', ndarray(Float32Array.of(-3, -2, -1, 0, 1, 2), [2, 3])],
        ['bias', ndarray(Float32Array.of(-3, -2))],
      ]),
    );
    expect(parameter).toEqual(ndarray(Float32Array.of(-3, -2)));
    expect(rest).toEqual({
      size: [2, 3],
      dtype: 'torch.bfloat16',
      devices: ['cpu', 'cuda:1'],
      counter: new Map([[10, 1], [16, 2]]), // prettier-ignore
      accuracy: 0.5,
      nothing: null,
      epoch: 3,
      on: true,
      text: 'größe',
      tuple: [1, 2.5, 'x'],
    });
  });

  it('attributes of a parameter are left out', () => {
    expect(read<NdArray>('marked-parameter.pth')).toEqual(ndarray(new Float32Array(3)));
  });

  it.each(['zip', 'legacy', 'oldzip'])('the golden checkpoint of a training run, %s', (kind) => {
    const want = [...readNpz(goldenCheckpoint('tinyconv.npz'))].filter(([name]) => name.startsWith('param/'));
    const file = readTorch(goldenCheckpoint(`tinyconv_${kind}.pth`)) as Dict;
    expect([...file.keys()]).toEqual(
      'state_dict optimizer_state_dict scheduler_stat_dict epoch time iters seed config'.split(' '),
    );
    const weights = file.get('state_dict') as Tensors;
    expect([...weights.keys()].map((key) => `param/${key}`)).toEqual(want.map(([key]) => key));
    for (const [name, array] of want) {
      const tensor = weights.get(name.slice('param/'.length))!;
      expect([name, tensor.shape, toFloat32(tensor)]).toEqual([name, array.shape, toFloat32(array)]);
    }
    expect((file.get('scheduler_stat_dict') as Dict).get('milestones')).toEqual(new Map([[10, 1], [16, 1]])); // prettier-ignore
  });
});

it('tells its files from safetensors and others', () => {
  expect(isTorch(fixture('torch/views.pth'))).toBe(true);
  expect(isTorch(fixture('torch/views-legacy.pth'))).toBe(true);
  expect(isTorch(fixture('reference.safetensors'))).toBe(false);
  // A header of 640 bytes begins like a pickle of protocol 2.
  expect(isTorch(Uint8Array.of(0x80, 2, 0, 0, 0, 0, 0, 0, 0x7b))).toBe(false);
  expect(isTorch(fixture('scalar.npy'))).toBe(false);
  expect(isTorch(new Uint8Array(0))).toBe(false);
});
