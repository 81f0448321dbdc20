import { z } from 'zod';

import { ConfigError, isConfigError, nearest, registry, suggest } from './index.js';

interface Shape {
  readonly area: number;
}

const shapes = registry<Shape, { scale: number }>('shape');
const rooms = registry<{ shape: unknown }>('room');

beforeAll(() => {
  shapes.register({
    type: 'Square',
    schema: z.strictObject({
      side: z.number().positive(),
      mode: z.enum(['spike', 'analog']).default('spike'),
      size: z.union([z.number(), z.tuple([z.number(), z.number()])]).optional(),
      inner: z.strictObject({ depth: z.int() }).optional(),
    }),
    build: ({ side }, { scale }) => ({ area: side * side * scale }),
  });
  shapes.register({ type: 'Dot', schema: z.strictObject({}), build: () => ({ area: 0 }) });
  rooms.register({
    type: 'Room',
    schema: z.strictObject({ shape: shapes.schema(), more: z.array(shapes.schema()).optional() }),
    build: ({ shape }) => ({ shape }),
  });
});

const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    expect(isConfigError(error)).toBe(true);
    return (error as ConfigError).message;
  }
  throw new Error('nothing was thrown');
};

describe('registry', () => {
  it('builds what a config describes, with the context', () => {
    expect(shapes.build({ type: 'Square', side: 2 }, { scale: 3 }).area).toBe(12);
    expect(shapes.check({ type: 'Square', side: 2 }, 'x')).toEqual({
      type: 'Square',
      side: 2,
      mode: 'spike',
    });
    expect(shapes.types()).toEqual(['Dot', 'Square']);
    expect(shapes.has('Dot')).toBe(true);
  });

  it('does not change the config it is given', () => {
    const config = Object.freeze({ type: 'Square', side: 1 });
    shapes.build(config, { scale: 1 });
    expect(shapes.build(config, { scale: 2 }).area).toBe(2);
  });

  it('replaces a type that is registered again', () => {
    const again = registry<number>('again');
    again.register({ type: 'A', schema: z.strictObject({}), build: () => 1 });
    again.register({ type: 'A', schema: z.strictObject({}), build: () => 2 });
    expect(again.build({ type: 'A' }, undefined)).toBe(2);
  });

  it('shares its entries with a second copy of the module', () => {
    jest.isolateModules(() => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      const copy = require('./index.js') as typeof import('./index.js');
      expect(copy.registry).not.toBe(registry);
      expect(
        copy.registry<Shape, { scale: number }>('shape').build({ type: 'Square', side: 2 }, { scale: 1 })
          .area,
      ).toBe(4);
      const foreign = messageOf(() => copy.registry('shape').check({ type: 'Squre' }, 'a'));
      expect(foreign).toBe('a.type "Squre" is unknown. Did you mean "Square"?');
      copy.registry<number>('late').register({ type: 'L', schema: z.strictObject({}), build: () => 7 });
    });
    expect(registry<number>('late').build({ type: 'L' }, undefined)).toBe(7);
  });

  it.each([
    [{ type: 'Sqare', side: 1 }, 'a[2].type "Sqare" is unknown. Did you mean "Square"?'],
    [{ type: 'Zebra-Crossing' }, 'a[2].type "Zebra-Crossing" is unknown. Known here: Dot, Square.'],
    [{ side: 1 }, 'a[2].type is missing: name a shape: Dot, Square'],
    [{ type: 3 }, 'a[2].type must be the name of a shape, not 3'],
    [[1], 'a[2] must be an object { type: <shape>, ... }, not [1]'],
    [undefined, 'a[2] is missing: an object { type: <shape>, ... } is needed here'],
    [{ type: 'Square', sid: 1, side: 1 }, 'a[2].sid is not a known key. Did you mean "side"?'],
    [{ type: 'Square', side: '1' }, 'a[2].side must be a number, not "1"'],
    [{ type: 'Square' }, 'a[2].side is missing: a number is needed here'],
    [{ type: 'Square', side: 0 }, 'a[2].side must be more than 0, not 0'],
    [
      { type: 'Square', side: 1, mode: 'spikes' },
      'a[2].mode must be one of "spike", "analog", not "spikes". Did you mean "spike"?',
    ],
    [{ type: 'Square', side: 1, size: 'x' }, 'a[2].size must be a number or a list, not "x"'],
    [{ type: 'Square', side: 1, size: [1, 'x'] }, 'a[2].size[1] must be a number, not "x"'],
    [
      { type: 'Square', side: 1, inner: { dept: 1, depth: 1 } },
      'a[2].inner.dept is not a known key. Did you mean "depth"?',
    ],
    [{ type: 'Square', side: 1, inner: { depth: 1.5 } }, 'a[2].inner.depth must be a whole number, not 1.5'],
  ])('says what is wrong with %j', (config, message) => {
    expect(messageOf(() => shapes.check(config, 'a[2]'))).toBe(message);
  });

  it('lists several faults at once, each with its place', () => {
    const { issues, message } = (() => {
      try {
        return shapes.check({ type: 'Square', side: 'x', mood: 1 }, 'p') as never;
      } catch (error) {
        return error as ConfigError;
      }
    })();
    expect(issues.map((issue) => issue.place)).toEqual(['p.side', 'p.mood']);
    expect(message).toBe(
      '2 problems:\n  - p.side must be a number, not "x"\n  - p.mood is not a known key. Did you mean "mode"?',
    );
  });

  it('checks configs nested in the arguments of another kind', () => {
    const check = (args: object) => () => rooms.check({ type: 'Room', ...args }, 'house');
    expect(check({ shape: { type: 'Dot' } })()).toEqual({ type: 'Room', shape: { type: 'Dot' } });
    expect(messageOf(check({ shape: { type: 'Dott' } }))).toBe(
      'house.shape.type "Dott" is unknown. Did you mean "Dot"?',
    );
    expect(messageOf(check({ shape: 1 }))).toBe(
      'house.shape must be an object { type: <shape>, ... }, not 1',
    );
    expect(messageOf(check({}))).toBe(
      'house.shape is missing: an object { type: <shape>, ... } is needed here',
    );
    expect(messageOf(check({ shape: { type: 'Dot' }, more: [{ type: 'Dot', x: 1 }] }))).toBe(
      'house.more[0].x is not a known key.',
    );
  });

  it('gives a JSON schema of its types', () => {
    const text = JSON.stringify(shapes.jsonSchema());
    expect(text).toContain('"type":{"const":"Square"}');
    expect(text).toContain('"required":["type","side"]');
  });
});

describe('suggest', () => {
  it('finds the nearest plausible name', () => {
    expect(suggest('RandomCropVidio', ['Collect', 'RandomCropVideo', 'CenterCropVideo'])).toBe(
      'RandomCropVideo',
    );
    expect(suggest('resnetlif', ['ResNetLif', 'ResNetLifRelu'])).toBe('ResNetLif');
    expect(suggest('SeqClif3Fc3', ['SeqClif3Fc3DmItout'])).toBe('SeqClif3Fc3DmItout');
    expect(suggest('Adamm', ['SGD', 'Adam'])).toBe('Adam');
  });

  it('stays silent when nothing is near', () => {
    expect(suggest('banana', ['SGD', 'Adam', 'CosineAnnealing'])).toBeUndefined();
    expect(nearest('x', [])).toEqual([]);
  });
});
