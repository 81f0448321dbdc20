import type { tf } from '@bidl/engine';
import { AvgPoolTimeVideo, MaxPool2d, MaxPoolTimeVideo, Standardize } from '@bidl/neurons';
import { ConfigError } from '@bidl/registry';
import { z } from 'zod';
import { frameShape, frameSizes, innerLoop, neuronShape, timeShape } from './args.js';
import { backbones, type BackboneContext } from './backbone.js';
import { cells, type Cells } from './vocabulary/cells.js';
import {
  avgPool,
  chain,
  globalAvgPool,
  identity,
  layer,
  linear,
  network,
  relu,
  sum,
  together,
  type Piece,
} from './vocabulary/piece.js';
import { blocksOf, convolutionsOf, DEPTH_NAMES, type Block, type Depth } from './vocabulary/residual.js';

const size = z.number().int().positive();
const numbers = z.array(z.number()).min(1);

const schema = z.strictObject({
  depth: z.literal(DEPTH_NAMES).describe('number of layers with weights'),
  nclass: size.describe('number of classes'),
  low_resolut: z.boolean().default(false).describe('for frames below 64x64: 3x3 stem without stride'),
  timestep: size
    .default(8)
    .describe('time steps of a sample; the mean over time is over the steps there are'),
  ...frameShape,
  stem_channels: size.default(64),
  base_channels: size.default(64),
  down_t: z
    .tuple([size, z.enum(['avg', 'max'])])
    .default([1, 'max'])
    .describe('pooling over time behind the stem: how many steps become one, and how'),
  zero_init_residual: z.boolean().default(false).describe('start every block as the identity'),
  ...neuronShape({ noise: 1e-3 }),
  ...timeShape,
  norm: z
    .strictObject({ mean: numbers, std: numbers })
    .nullish()
    .describe('mean and standard deviation of each channel of the frames, before anything else'),
  split: z
    .tuple([z.number().int().min(0), z.number().int().min(0)])
    .nullish()
    .describe('[first, end) of the blocks: a piece of the network'),
});
type Args = z.output<typeof schema>;

/** Which activations are neurons: all, or the stem's and the first of each stage (`lite`), ReLU elsewhere. */
type Neurons = 'all' | 'lite';

/**
 * Residual networks with neurons for activations.
 *
 *     conv + norm - lif - (down_t) - pool 3x3/2 - blocks of layer1 ... layer4 - gap - fc
 *
 * A block is convolution + BatchNorm + neurons, and neurons behind the sum; its shortcut averages, then convolves 1x1.
 * Layers are named by place, `layer1/0/conv1`, `layer1/0/lif1`. 11,183,306 trainable parameters at depth 18, 23,551,946
 * at depth 50 (two channels, ten classes).
 *
 * With `split: [s, e)` the model is a piece: the stem where s is 0, the head where e is the number of blocks; other
 * pieces go from `[B, T, H, W, C]` to `[B, T, H', W', C']`, and one after the other compute what the whole does.
 *
 * Source: Lynxi BIDL 1.9, `ResNet_SNN.py` and the applications' forms of it. Other than there, `norm` holds on the host
 * too, every block of ResNetLif has the mode that is asked for, and all depths have all forms.
 *
 * @throws ConfigError when the samples don't fit, or the split isn't in the list of blocks
 */
function resnetLif(
  type: string,
  neurons: Neurons,
  args: Args,
  { inputShape, seed }: BackboneContext,
): tf.LayersModel {
  const { steps, h, w, c } = frameSizes(args, inputShape);
  const stepsBehindStem = pooledSteps(args, steps);
  const cell = cells(args, seed);
  const blocks = blocksOf(args.depth as Depth, args.base_channels);
  const [from, to] = splitOf(args, blocks.length);
  const gamma = args.zero_init_residual ? 0 : 1;
  const body = blocks.slice(from, to).map((block) => residual(block, cell, neurons, gamma));
  const classify = linear('fc', args.nclass, { seed });
  const meet = together(args.amode);
  const head = [globalAvgPool('gap'), ...(args.aggregate === 'logits' ? [classify, meet] : [meet, classify])];

  const smaller = (n: number) => Math.ceil(n / 2);
  const halvings =
    (args.low_resolut ? 1 : 2) + blocks.slice(0, from).filter(({ stride }) => stride === 2).length;
  const sideOf = (n: number) => Array.from({ length: halvings }).reduce<number>(smaller, n);
  const input =
    from === 0 ? [steps, h, w, c] : [stepsBehindStem, sideOf(h), sideOf(w), blocks[from - 1]?.channels ?? 0];
  return network(
    type,
    input,
    chain(...(from === 0 ? stem(args, cell) : []), ...body, ...(to === blocks.length ? head : [])),
  );
}

function stem({ low_resolut, stem_channels, down_t: [down, how], norm }: Args, cell: Cells): Piece[] {
  return [
    ...(norm ? [layer(() => new Standardize({ ...norm, name: 'standardize' }))] : []),
    cell.convNorm('conv', stem_channels, low_resolut ? {} : { kernel: 7, stride: 2 }),
    cell.lif('lif'),
    ...(down > 1
      ? [layer(() => new (how === 'avg' ? AvgPoolTimeVideo : MaxPoolTimeVideo)({ down, name: 'pool/time' }))]
      : []),
    layer(() => new MaxPool2d({ kernel_size: 3, stride: 2, padding: 1, name: 'pool' })),
  ];
}

/** gamma: where the last BatchNorm in front of the sum starts. */
function residual(block: Block, cell: Cells, neurons: Neurons, gamma: number): Piece {
  const { name, channels, stride, first } = block;
  const convolutions = convolutionsOf(block);
  const activation = (k: number) =>
    neurons === 'all' || (first && k === 1) ? cell.lif(`${name}/lif${k}`) : relu(`${name}/relu${k}`);
  const branch = convolutions.flatMap(({ channels: out, ...window }, i) => {
    const last = i === convolutions.length - 1;
    const conv = cell.convNorm(`${name}/conv${i + 1}`, out, { ...window, ...(last && { gamma }) });
    return last ? [conv] : [conv, activation(i + 1)];
  });
  const shortcut: Piece = (x) => {
    if (stride === 1 && x.shape.at(-1) === channels) return x;
    const project = cell.convNorm(`${name}/downsample`, channels, { kernel: 1 });
    const shrink = stride > 1 ? avgPool(`${name}/downsample/0`, stride, { ceil: true }) : identity;
    return chain(shrink, project)(x);
  };
  return chain(sum(`${name}/add`, chain(...branch), shortcut), activation(convolutions.length));
}

/** @throws ConfigError when the steps can't be pooled */
function pooledSteps({ down_t: [down] }: Args, steps: number | null): number | null {
  if (steps === null || steps % down === 0) return steps && steps / down;
  throw new ConfigError(
    `model.backbone.down_t makes one of every ${down} steps, which ${steps} steps can't be split into`,
    'model.backbone.down_t',
  );
}

/** @throws ConfigError for a split that isn't in the list of blocks */
function splitOf({ split, depth }: Args, blocks: number): readonly [number, number] {
  if (!split) return [0, blocks];
  const [from, to] = split;
  if (from < to && to <= blocks) return split;
  throw new ConfigError(
    `model.backbone.split is [${from}, ${to}], but a network of depth ${depth} has the blocks 0 to ${blocks - 1}; ` +
      `give [first, end) with 0 <= first < end <= ${blocks}`,
    'model.backbone.split',
  );
}

/** Of networks whose time steps stay apart, so that they run step by step. */
const outerLoop = schema.extend({
  down_t: z
    .tuple([
      z.literal(1, { error: 'must be 1 here: these networks run step by step; ResNetLif pools over time' }),
      z.enum(['avg', 'max']),
    ])
    .default([1, 'max']),
});

const NETWORKS: readonly (readonly [type: string, neurons: Neurons, args: z.ZodType])[] = [
  ['ResNetLifItout', 'all', outerLoop.omit({ split: true })],
  ['ResNetLifReluItout', 'lite', outerLoop.omit({ split: true })],
  ['ResNetLifItout_MP', 'all', outerLoop],
  ['ResNetLif', 'all', schema.omit({ split: true }).extend(innerLoop)],
];
for (const [type, neurons, args] of NETWORKS) {
  backbones.register({
    type,
    schema: args,
    build: (checked, context) => resnetLif(type, neurons, checked as Args, context),
  });
}
