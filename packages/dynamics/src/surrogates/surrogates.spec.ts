import { expectClose, golden, goldenCases } from '@bidl/testing';
import { arrayOps } from '../reference/array-ops.js';
import { SURROGATES, type SurrogateName } from './by-name.js';
import type { Surrogate } from './surrogate.js';

/** The surrogate that a golden case was made with, from the case's name. */
function surrogateOf(name: string): Surrogate {
  const numbers = [...name.matchAll(/_(?:k|t|thr|a)(-?[\d.]+)/g)].map((m) => Number(m[1]));
  if (name.startsWith('irnet')) return SURROGATES.IRNet({ k: numbers[0], t: numbers[1] });
  if (name.startsWith('rectangle_thr'))
    return SURROGATES.Rectangle({ threshold: numbers[0], region: numbers[1] });
  if (name === 'rectangle_infer') return SURROGATES.Rectangle_INFER();
  if (name === 'reactnet') return SURROGATES.ReActNet();
  if (name === 'rectangle_default' || name === 'threshfiring_fixed') return SURROGATES.Rectangle();
  throw new Error(`no surrogate for golden case "${name}"`);
}

describe('surrogates against upstream', () => {
  test.each(goldenCases('surrogates'))('%s', (name) => {
    const { get, json, arrays } = golden('surrogates', name);
    const ops = arrayOps({ surrogate: surrogateOf(name) });
    const x = ops.value(get('x').data as Float32Array);
    const y = ops.fire(x);
    ops.backward([[y, get('grad_out').data as Float32Array]]);
    expect(Array.from(y.data)).toEqual(Array.from(get('y').data as Float32Array));
    if (arrays.has('grad_in')) {
      expectClose(
        x.gradient(),
        get('grad_in').data as Float32Array,
        json.tolerance as { atol: number; rtol: number },
      );
    } else {
      expect(x.gradient().every((g) => g === 0)).toBe(true);
    }
  });
});

describe('each primitive has the surrogate as its derivative', () => {
  const smooth = (Object.keys(SURROGATES) as SurrogateName[]).filter((name) => SURROGATES[name]().primitive);
  test('the names are as documented', () => {
    expect(smooth).toEqual([
      'Rectangle',
      'ArcTan',
      'FastSigmoid',
      'Sigmoid',
      'Triangle',
      'PiecewiseExponential',
    ]);
  });
  test.each(smooth)('%s', (name) => {
    const surrogate = SURROGATES[name]();
    const ops = arrayOps({ surrogate, precision: 'float64' });
    const h = 1e-6;
    for (const x of [-1.3, -0.499, -0.2, -0.01, 0.013, 0.3, 0.498, 0.51, 2]) {
      const at = (v: number) => surrogate.primitive!(ops, ops.value([v])).data[0];
      const slope = (at(x + h) - at(x - h)) / (2 * h);
      expectClose([slope], surrogate.derivative(ops, ops.value([x])).data, { atol: 1e-8, rtol: 1e-6 });
    }
  });
});

test('the Gaussian has area 1 and its known height', () => {
  const ops = arrayOps({ surrogate: SURROGATES.Gaussian(), precision: 'float64' });
  const at = (xs: readonly number[]) =>
    SURROGATES.Gaussian({ sigma: 0.3 }).derivative(ops, ops.value(xs)).data;
  expectClose(at([0]), [1.3298076013381], 1e-12);
  const xs = Array.from({ length: 601 }, (_, i) => (i - 300) / 100);
  expectClose([Array.from(at(xs)).reduce((sum, v) => sum + v / 100, 0)], [1], 1e-9);
});
