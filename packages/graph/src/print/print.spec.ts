import fc from 'fast-check';
import { smallNetwork } from '../testing/networks.js';
import { layered } from './layout.js';
import { summarize } from './summary.js';
import { graphSvg } from './svg.js';
import { printGraph } from './text.js';

it('summarize counts each weight and state once', () => {
  const { layers, total } = summarize(smallNetwork());
  expect(layers).toEqual([
    { layer: 'clif1', operations: 10, macs: 2160, parameters: 80, stateElements: 120, stateBytes: 480 },
    { layer: 'mp1', operations: 1, macs: 0, parameters: 0, stateElements: 0, stateBytes: 0 },
    { layer: 'flat', operations: 1, macs: 0, parameters: 0, stateElements: 0, stateBytes: 0 },
    { layer: 'fc', operations: 1, macs: 72, parameters: 75, stateElements: 0, stateBytes: 0 },
    { layer: 'tempAdd', operations: 4, macs: 0, parameters: 1, stateElements: 3, stateBytes: 12 },
  ]);
  expect(total).toEqual({ operations: 17, macs: 2232, parameters: 156, stateElements: 123, stateBytes: 492 });
});

it('printGraph shows operations, shapes, states and sizes', () => {
  expect(printGraph(smallNetwork())).toBe(
    `graph small: 4 step(s), 17 operations, 2,232 MACs a step, 156 parameters, 2 state(s) of 492 bytes a sample

inputs
  data  uint8  [6, 5, 2]

states
  clif1/v  float32  [6, 5, 4]  from 0  480 bytes
  tempAdd  float32  [3]        from 0   12 bytes

operations
  clif1/conv2d    [6, 5, 4]  2,160 MACs  conv2d(data, clif1/kernel, clif1/bias, groups=1 padding=[1, 1, 1, 1] stride=[1, 1])
  clif1/load_v    [6, 5, 4]              load(key=clif1/v)
  clif1/add       [6, 5, 4]              add(clif1/conv2d, clif1/load_v)
  clif1/sub       [6, 5, 4]              sub(clif1/add, clif1/theta)
  clif1/constant  []                     constant(value=0)
  clif1/gt        [6, 5, 4]              gt(clif1/sub, clif1/constant)
  clif1/blend     [6, 5, 4]              blend(clif1/gt, clif1/v0, clif1/add)
  clif1/mul       [6, 5, 4]              mul(clif1/alpha, clif1/blend)
  clif1/add_1     [6, 5, 4]              add(clif1/mul, clif1/beta)
  clif1/save_v    [6, 5, 4]              save(clif1/add_1, key=clif1/v)
  mp1/maxPool     [3, 2, 4]              maxPool(clif1/gt, padding=[0, 0, 0, 0] size=[2, 2] stride=[2, 2])
  flat/reshape    [24]                   reshape(mp1/maxPool, shape=[24])
  fc/dense        [3]           72 MACs  dense(flat/reshape, fc/kernel, fc/bias)
  tempAdd/load    [3]                    load(key=tempAdd)
  tempAdd/div     [3]                    div(fc/dense, tempAdd/steps)
  tempAdd/add     [3]                    add(tempAdd/load, tempAdd/div)
  tempAdd/save    [3]                    save(tempAdd/add, key=tempAdd)

outputs
  logits  tempAdd/add  [3]

layers     operations   MACs  parameters  state bytes
  clif1            10  2,160          80          480
  mp1               1      0           0            0
  flat              1      0           0            0
  fc                1     72          75            0
  tempAdd           4      0           1           12
  total            17  2,232         156          492
`,
  );
});

describe('graphSvg', () => {
  const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

  it('draws every operation of a small graph, and layers of any', () => {
    const graph = smallNetwork();
    const operations = graphSvg(graph);
    expect(operations).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+"/);
    expect(texts(operations)).toEqual(
      expect.arrayContaining([
        'data',
        'uint8 [6, 5, 2]',
        'clif1/conv2d',
        'clif1/kernel [3, 3, 2, 4]',
        'constant 0',
        'save tempAdd',
      ]),
    );
    expect(texts(graphSvg(graph, { detail: 'layers' }))).toEqual([
      'small: one of 4 time step(s)',
      ...['data', 'uint8 [6, 5, 2]'],
      ...['clif1', 'conv2d add sub +3', '[6, 5, 4]', '2,160 MACs, 80 weights', 'clif1/v [6, 5, 4] 32 bit'],
      ...['mp1', 'maxPool', '[3, 2, 4]', 'flat', 'reshape', '[24]'],
      ...['fc', 'dense', '[3]', '72 MACs, 75 weights', 'tempAdd', 'div add', '[3]', 'tempAdd [3] 32 bit'],
      ...['logits', '[3]'],
    ]);
    expect(graphSvg(graph)).toBe(operations);
  });

  it('shows hostile names as text', () => {
    const graph = { ...smallNetwork(), name: '</text><script>alert("x")</script>\u0000' };
    expect(graphSvg(graph)).not.toContain('<script');
    expect(graphSvg(graph)).not.toContain('\u0000');
  });
});

describe('layered', () => {
  it('puts readers below what they read, without overlaps, for any graph', () => {
    const graphs = fc.integer({ min: 1, max: 25 }).chain((n) =>
      fc.record({
        sizes: fc.array(fc.tuple(fc.integer({ min: 5, max: 200 }), fc.integer({ min: 5, max: 60 })), {
          minLength: n,
          maxLength: n,
        }),
        links: fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: 2 * n }),
      }),
    );
    fc.assert(
      fc.property(graphs, ({ sizes, links }) => {
        const boxes = sizes.map(([width, height], i) => ({
          id: `b${i}`,
          width,
          height,
          floating: i % 3 === 0,
        }));
        const edges = links.filter(([a, b]) => a < b).map(([a, b]) => ({ from: `b${a}`, to: `b${b}` }));
        const { boxes: placed, paths, width, height } = layered(boxes, edges);
        const at = new Map(placed.map((p) => [p.box.id, p]));
        expect(paths).toHaveLength(edges.length);
        for (const { from, to } of edges) {
          expect(at.get(to)!.y).toBeGreaterThan(at.get(from)!.y + at.get(from)!.box.height);
        }
        for (const { box, x, y } of placed) {
          expect(x >= 0 && y >= 0 && x + box.width <= width && y + box.height <= height).toBe(true);
          for (const other of placed) {
            if (other.box === box) continue;
            const apart =
              x + box.width <= other.x ||
              other.x + other.box.width <= x ||
              y + box.height <= other.y ||
              other.y + other.box.height <= y;
            expect(apart).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
