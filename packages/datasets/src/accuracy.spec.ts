import { expectClose, golden } from '@bidl/testing';

import { topK } from './accuracy.js';

describe('topK', () => {
  it('agrees with upstream, its threshold bug aside', () => {
    const { json, get } = golden('metrics', 'accuracy');
    const { data, shape } = get('logits');
    const [, classes = 0] = shape;
    const rows = Array.from({ length: shape[0] ?? 0 }, (_, i) =>
      (data as Float32Array).subarray(i * classes, (i + 1) * classes),
    );
    const got = Object.values(topK(rows, get('target').data as Int32Array, [1, 5]));
    expectClose(got, get('intended/top1_top5').data, json.tolerance as { atol: number });
  });

  it('counts the right class among the k best', () => {
    const logits = [
      [3, 2, 1, 0, -1, -2],
      [3, 2, 1, 0, -1, -2],
      [3, 2, 1, 0, -1, -2],
      [-3, -2, -1, -4, -5, -6],
    ];
    expect(topK(logits, [0, 4, 5, 2], [1, 5])).toEqual({ 'accuracy_top-1': 50, 'accuracy_top-5': 75 });
  });

  it('counts correct classes with negative scores, which upstream does not', () => {
    expect(topK([[-1, -2]], [0], [1])).toEqual({ 'accuracy_top-1': 100 });
  });

  it('breaks ties by class number, and never counts a score that is no number', () => {
    expect(
      topK(
        [
          [1, 1],
          [1, 1],
          [NaN, NaN],
        ],
        [0, 1, 0],
        [1],
      )['accuracy_top-1'],
    ).toBeCloseTo(100 / 3);
  });

  it('is 0 for no samples', () => expect(topK([], [], [1])).toEqual({ 'accuracy_top-1': 0 }));

  it('refuses what does not fit', () => {
    expect(() => topK([[1]], [], [1])).toThrow('1 results for 0 labels');
    expect(() => topK([[1, 2]], [2], [1])).toThrow('sample 0 has label 2, but the results have 2 classes');
  });
});
