import { expectClose } from './close.js';

describe('expectClose', () => {
  it('accepts what lies within the tolerance, on any kind of array', () => {
    expectClose([1, 2], new Float32Array([1, 2]));
    expectClose(new Float64Array([1.01]), [1], 0.0100001);
    expectClose([102], [100], { rtol: 0.02 });
    expectClose(new BigInt64Array([3n]), [3]);
    expectClose([NaN, Infinity, -Infinity], [NaN, Infinity, -Infinity]);
    expectClose([0], [-0]);
  });

  it('names the worst place', () => {
    expect(() => expectClose([1, 2.5, 3.1], [1, 2, 3], 0.01, 'spikes')).toThrow(
      'spikes: 2 of 3 numbers differ by more than atol 0.01 + rtol 0 * |want|; worst at index 1: got 2.5, want 2 (apart by 0.5)',
    );
  });

  it.each([
    [[NaN], [1]],
    [[1], [NaN]],
    [[Infinity], [1]],
    [[1], [Infinity]],
    [[Infinity], [-Infinity]],
  ])('refuses %p for %p at any finite tolerance', (got, want) => {
    expect(() => expectClose(got, want, { atol: 1e9, rtol: 1e9 })).toThrow('index 0');
  });

  it('refuses another length and a senseless tolerance', () => {
    expect(() => expectClose([1], [1, 2])).toThrow('got 1 numbers, want 2');
    expect(() => expectClose([1], [1], -1)).toThrow('tolerance must be >= 0');
    expect(() => expectClose([1], [1], NaN)).toThrow('tolerance must be >= 0');
  });
});
