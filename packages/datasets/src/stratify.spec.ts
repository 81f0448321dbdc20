import fc from 'fast-check';

import { apportion, drawStratified } from './stratify.js';

describe('apportion', () => {
  it('divides in whole numbers that add up and are never off by one or more', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 12 }), fc.nat(5000), (weights, total) => {
        const sum = weights.reduce((a, b) => a + b, 0);
        fc.pre(sum > 0);
        const shares = apportion(weights, total);
        expect(shares.reduce((a, b) => a + b, 0)).toBe(total);
        shares.forEach((share, i) => expect(Math.abs(share - (weights[i]! * total) / sum)).toBeLessThan(1));
      }),
    );
  });

  it('gives nothing to no one', () => expect(apportion([0, 0], 5)).toEqual([0, 0]));
});

describe('drawStratified', () => {
  const classes = [10, 20, 30].map((count, label) =>
    Array.from({ length: count }, (_, i) => label * 100 + i),
  );

  it('parts every class in the same ratio, keeping the order', () => {
    const { drawn, rest } = drawStratified(classes, 12, 3);
    expect(drawn.map((samples) => samples.length)).toEqual([2, 4, 6]);
    classes.forEach((samples, label) => {
      expect([...drawn[label]!, ...rest[label]!].sort((a, b) => a - b)).toEqual(samples);
      expect([...rest[label]!].sort((a, b) => a - b)).toEqual(rest[label]);
    });
  });

  it('follows the seed', () => {
    expect(drawStratified(classes, 12, 3)).toEqual(drawStratified(classes, 12, 3));
    expect(drawStratified(classes, 12, 3)).not.toEqual(drawStratified(classes, 12, 4));
  });
});
