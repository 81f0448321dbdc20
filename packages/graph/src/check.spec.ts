import { ndarray } from '@bidl/formats';
import { checkGraph, graphProblems } from './check.js';
import { GraphError, type Node, type StepGraph } from './graph.js';
import { inferType, type OpName } from './ops/table.js';
import { parseGraph } from './schema.js';
import { smallNetwork } from './testing/networks.js';

const graph = smallNetwork();
const withNode = (id: string, change: Partial<Node>): StepGraph => ({
  ...graph,
  nodes: graph.nodes.map((node) => (node.id === id ? { ...node, ...change } : node)),
});

describe('checkGraph', () => {
  it('gives a sound graph back, also after a trip through JSON and arrays', () => {
    expect(checkGraph(graph)).toBe(graph);
    const { weights, ...outline } = graph;
    expect(parseGraph({ ...(JSON.parse(JSON.stringify(outline)) as object), weights })).toEqual(graph);
  });

  const cases: [string, StepGraph, string][] = [
    [
      'a dead reference',
      withNode('mp1/maxPool', { inputs: ['clif1/spike'] }),
      'node "mp1/maxPool" (maxPool): reads x "clif1/spike", but there is no such node, input or weight',
    ],
    [
      'nodes out of order',
      { ...graph, nodes: [...graph.nodes].reverse() },
      'node "tempAdd/save" (save): reads x "tempAdd/add", which is made only later; nodes stand in order of execution',
    ],
    [
      'a name taken twice',
      withNode('flat/reshape', { id: 'mp1/maxPool' }),
      'node "mp1/maxPool": the name is taken; every value needs its own',
    ],
    [
      'a shape that is not the one inferred',
      withNode('fc/dense', { type: { shape: [4], dtype: 'float32' } }),
      'node "fc/dense" (dense): declares shape [4], but makes [3]',
    ],
    [
      'a type that operations do not make',
      withNode('fc/dense', { type: { shape: [3], dtype: 'uint8' } }),
      'node "fc/dense" (dense): declares uint8, but operations make float32',
    ],
    [
      'operands that do not fit',
      withNode('fc/dense', { inputs: ['flat/reshape', 'clif1/kernel'] }),
      'node "fc/dense" (dense): needs x [in] and kernel [in, out], got [24] and [3, 3, 2, 4]; reshape images first',
    ],
    [
      'a kernel that is computed',
      withNode('fc/dense', { inputs: ['fc/kernel', 'flat/reshape'] }),
      'node "fc/dense" (dense): x must be a value, but "fc/kernel" is a weight',
    ],
    [
      'too few operands',
      withNode('fc/dense', { inputs: ['flat/reshape'] }),
      'node "fc/dense" (dense): takes (x, kernel, bias?), got 1 operand(s)',
    ],
    [
      'attributes that the operation lacks',
      withNode('mp1/maxPool', { attrs: { size: [2, 2], stride: [2, 2] } }),
      'node "mp1/maxPool" (maxPool): attribute padding: Invalid input: expected tuple, received undefined',
    ],
    [
      'a state without its writer',
      { ...graph, nodes: graph.nodes.filter(({ id }) => id !== 'tempAdd/save') },
      'state "tempAdd": needs exactly one save, has 0',
    ],
    [
      'a state with two readers',
      { ...graph, nodes: [{ ...graph.nodes[1], id: 'again' }, ...graph.nodes] },
      'state "clif1/v": needs exactly one load, has 2',
    ],
    [
      'a load without its state',
      { ...graph, states: graph.states.slice(1) },
      'node "clif1/load_v" (load): there is no state "clif1/v"',
    ],
    [
      'a state of another shape',
      {
        ...graph,
        states: graph.states.map((slot) => (slot.key === 'tempAdd' ? { ...slot, shape: [5] } : slot)),
      },
      'node "tempAdd/save" (save): state "tempAdd" has shape [5], not [3]',
    ],
    [
      'two states of one key',
      { ...graph, states: [...graph.states, graph.states[0]] },
      'state "clif1/v": there are two of that key',
    ],
    [
      'a weight of the wrong size',
      {
        ...graph,
        weights: { ...graph.weights, 'fc/bias': { ...graph.weights['fc/bias'], data: new Float32Array(2) } },
      },
      'weight "fc/bias": shape [3] needs 3 numbers, not 2',
    ],
    [
      'a weight that is called like an input',
      { ...graph, weights: { ...graph.weights, data: ndarray(new Float32Array(1), []) } },
      'weight "data": the name is taken; every value needs its own',
    ],
    ['no output', { ...graph, outputs: [] }, 'the graph has no output'],
    [
      'an output of nothing',
      { ...graph, outputs: [{ name: 'y', value: 'z' }] },
      'output "y": there is no value "z"',
    ],
    [
      'an output that is a save',
      { ...graph, outputs: [{ name: 'y', value: 'tempAdd/save' }] },
      'output "y": "tempAdd/save" is a save; hand out what it saves',
    ],
    [
      'a node that reads a save',
      withNode('tempAdd/save', { inputs: ['clif1/save_v'] }),
      'node "tempAdd/save" (save): reads x "clif1/save_v", which is a save; read what it saves',
    ],
    [
      'outputs of one name',
      { ...graph, outputs: [...graph.outputs, ...graph.outputs] },
      'output "logits": there are two of that name',
    ],
  ];
  it.each(cases)('names %s', (_, broken, problem) => {
    expect(graphProblems(broken)).toContain(problem);
    expect(() => checkGraph(broken)).toThrow(GraphError);
  });

  it('lists all problems in the error, the first eight in its message', () => {
    const broken = { ...graph, nodes: [...graph.nodes].reverse() };
    try {
      checkGraph(broken);
    } catch (error) {
      expect((error as GraphError).problems.length).toBeGreaterThan(8);
      expect((error as GraphError).message).toMatch(
        /^graph "small" is not sound:\n(.*\n){8} {2}and \d+ more$/,
      );
      return;
    }
    throw new Error('accepted');
  });

  it.each([
    [{ ...graph, version: 2 }, 'version'],
    [{ ...graph, timesteps: 0 }, 'timesteps'],
    [{ ...graph, nodes: [{ ...graph.nodes[0], op: 'conv9d' }] }, 'nodes.0.op: is no operation'],
    [
      { ...graph, weights: { w: { dtype: 'float32', shape: [1], data: [1] } } },
      'weights.w: is no NdArray over a Float32Array',
    ],
    [{ ...graph, states: [{ ...graph.states[0], initial: NaN }] }, 'states.0.initial'],
    [{ ...graph, extra: 1 }, 'extra'],
    [null, 'graph'],
  ])('parseGraph refuses foreign data %#', (data, place) => {
    expect(() => parseGraph(data)).toThrow(place);
  });
});

describe('inferType', () => {
  const of = (...shapes: number[][]) => shapes.map((shape) => ({ shape, dtype: 'float32' as const }));
  const pool = { size: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] };

  it.each<[OpName, number[][], Node['attrs'], number[]]>([
    [
      'conv2d',
      [
        [7, 6, 4],
        [3, 3, 2, 8],
      ],
      { stride: [2, 1], padding: [1, 1, 0, 0], groups: 2 },
      [4, 4, 8],
    ],
    ['maxPool', [[7, 6, 4]], pool, [3, 3, 4]],
    ['avgPool', [[7, 6, 4]], { ...pool, padding: [0, 1, 0, 0] }, [4, 3, 4]],
    ['globalAvgPool', [[7, 6, 4]], {}, [4]],
    ['affine', [[7, 6, 4], [4], []], {}, [7, 6, 4]],
    ['blend', [[], [3], [2, 3]], {}, [2, 3]],
    ['resetDecay', [[5], [], [5], [], []], {}, [5]],
  ])('%s of %p gives what it should', (op, shapes, attrs, result) => {
    expect(inferType(op, of(...shapes), attrs)).toEqual({ shape: result, dtype: 'float32' });
  });

  it.each<[OpName, number[][], Node['attrs'], string]>([
    [
      'add',
      [[2, 3], [2]],
      {},
      'add: [2] does not go with [2, 3]: give a scalar, one value for each of 3 channels, or the same shape',
    ],
    [
      'conv2d',
      [
        [5, 5, 3],
        [3, 3, 2, 8],
      ],
      { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1 },
      'does not go with 3 channels',
    ],
    [
      'conv2d',
      [
        [5, 5, 2],
        [8, 2, 3],
      ],
      { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1 },
      'OIHW kernels must be turned',
    ],
    [
      'conv2d',
      [[5, 5, 2], [3, 3, 2, 8], [7]],
      { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1 },
      'bias has shape [7]',
    ],
    ['maxPool', [[1, 1, 2]], pool, 'a window of [2, 2] does not fit into [1, 1]'],
    ['maxPool', [[4, 4, 2]], { ...pool, padding: [2, 0, 0, 0] }, 'windows must not lie outside the image'],
    ['avgPool', [[4, 4, 2]], { ...pool, padding: [0, 2, 0, 0] }, 'the last window lies outside the image'],
    ['globalAvgPool', [[4]], {}, 'needs an image [H, W, C], got [4]'],
    ['reshape', [[4]], { shape: [5] }, '[4] cannot become [5]'],
    ['fire', [[4]], {}, 'fire: attribute threshold'],
  ])('%s refuses %p', (op, shapes, attrs, message) => {
    expect(() => inferType(op, of(...shapes), attrs)).toThrow(message);
  });
});
