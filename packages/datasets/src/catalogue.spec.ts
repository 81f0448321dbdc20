import { catalogue, datasets, makeEventDigits } from './index.js';

describe('the catalogue', () => {
  it('names data sets that a config can use, and says how to get them', () => {
    expect(catalogue.map(({ name }) => name)).toEqual(['event-digits', 'N-MNIST']);
    for (const { type, classes, sensor, samples, get } of catalogue) {
      expect(datasets.has(type)).toBe(true);
      expect(classes).toHaveLength(10);
      expect(sensor).toEqual([34, 34]);
      expect(Object.values(samples).reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(10_000);
      expect(get.length).toBeGreaterThan(10);
    }
    expect(catalogue[0]?.make).toBe(makeEventDigits);
  });
});
