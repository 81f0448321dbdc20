import fc from 'fast-check';

import { permutation, rngFor } from './index.js';

const draw = (seed: number, ...keys: (number | string)[]): number[] => {
  const rng = rngFor(seed, ...keys);
  return Array.from({ length: 8 }, () => rng.uniform());
};

describe('rngFor', () => {
  it('gives the same stream for the same seed and keys', () => {
    expect(draw(7, 'crop', 2, 3)).toEqual(draw(7, 'crop', 2, 3));
  });

  it('is the same on every machine and in every release', () => {
    const rng = rngFor(1, 'a', 2);
    expect([rng.int(0, 999), rng.int(0, 999), rng.uniform(), rng.normal()]).toMatchInlineSnapshot(`
     [
       242,
       760,
       0.46417937232939943,
       -0.16228193865912313,
     ]
    `);
  });

  it('gives another stream for any other seed or key', () => {
    const streams = [
      draw(0),
      draw(1),
      draw(-1),
      draw(0.5),
      draw(2 ** 32),
      draw(2 ** 40),
      draw(0, 0),
      draw(0, 1),
      draw(0, 0, 0),
      draw(0, 1, 0),
      draw(0, 0, 1),
      draw(0, ''),
      draw(0, '0'),
      draw(0, 'a'),
      draw(0, 'b'),
      draw(0, 'a', 'b'),
      draw(0, 'ab'),
    ].map(String);
    expect(new Set(streams).size).toBe(streams.length);
  });

  it('stays within its limits', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -50, max: 50 }), fc.nat(20), (seed, low, span) => {
        const rng = rngFor(seed);
        for (let i = 0; i < 20; i++) {
          const whole = rng.int(low, low + span);
          expect(Number.isInteger(whole) && whole >= low && whole <= low + span).toBe(true);
          const real = rng.uniform(low, low + 1);
          expect(real >= low && real < low + 1).toBe(true);
        }
      }),
    );
  });

  it('draws normal numbers of the right mean and deviation', () => {
    const rng = rngFor(3);
    const values = Array.from({ length: 20_000 }, () => rng.normal(2, 3));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(2, 1);
    expect(Math.sqrt(variance)).toBeCloseTo(3, 1);
  });

  it('has neighbouring streams that are independent', () => {
    // Correlation between the first numbers of streams k and k + 1.
    const firsts = Array.from({ length: 5000 }, (_, k) => rngFor(0, k).uniform() - 0.5);
    const product = firsts.slice(1).reduce((a, value, i) => a + value * (firsts[i] ?? 0), 0) / firsts.length;
    expect(Math.abs(product * 12)).toBeLessThan(0.06);
  });
});

describe('permutation', () => {
  it('holds every number once', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer(), (length, seed) => {
        const order = permutation(length, rngFor(seed));
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
      }),
    );
  });
});
