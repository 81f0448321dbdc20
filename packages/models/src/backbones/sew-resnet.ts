import { tf } from '@bidl/engine';
import { Invert, MaxPool2d } from '@bidl/neurons';
import { z } from 'zod';
import { frameShape, frameSizes, neuronShape, timeShape } from './args.js';
import { backbones } from './backbone.js';
import { cells, type Cells } from './vocabulary/cells.js';
import {
  chain,
  globalAvgPool,
  layer,
  linear,
  network,
  together,
  type Piece,
  type Value,
} from './vocabulary/piece.js';
import { blocksOf, convolutionsOf, DEPTH_NAMES, type Block, type Depth } from './vocabulary/residual.js';

const size = z.number().int().positive();

const schema = z.strictObject({
  depth: z.literal(DEPTH_NAMES).describe('number of layers with weights'),
  nclass: size.default(10).describe('number of classes'),
  timestep: size.default(4).describe('time steps of a sample'),
  ...frameShape,
  base_channels: size.default(64),
  cnf: z
    .enum(['ADD', 'AND', 'IAND'])
    .default('ADD')
    .describe('how a block’s spikes meet those of its shortcut: A + S, A·S, (1 − A)·S'),
  zero_init_residual: z.boolean().default(false).describe('start every block silent'),
  ...neuronShape({ noise: 0 }),
  ...timeShape,
});

/**
 * SEW-ResNet: residual networks whose shortcuts join spikes, behind the neurons, so that a block can be the identity
 * and deep networks train. Fang et al. 2021, "Deep residual learning in spiking neural networks".
 *
 *     conv1 7x7/2 + norm - lif1 - pool 3x3/2 - blocks of layer1 ... layer4 - gap - fc
 *
 * Convolutions have no bias. At 1,000 classes and three channels it has the parameters of torchvision's ResNet: 11.69
 * million at depth 18, 25.56 million at depth 50.
 *
 * @returns a model from `[B, T, H, W, C]` to logits `[B, nclass]`
 */
backbones.register({
  type: 'SEWResNet',
  schema,
  build: (args, { inputShape, seed }) => {
    const { steps, h, w, c } = frameSizes(args, inputShape);
    const cell = cells(args, seed);
    const blocks = blocksOf(args.depth as Depth, args.base_channels);
    const gamma = args.zero_init_residual ? 0 : 1;
    const classify = linear('fc', args.nclass, { seed });
    const meet = together(args.amode);
    return network(
      'SEWResNet',
      [steps, h, w, c],
      chain(
        cell.convNorm('conv1', args.base_channels, { kernel: 7, stride: 2, bias: false }),
        cell.lif('lif1'),
        layer(() => new MaxPool2d({ kernel_size: 3, stride: 2, padding: 1, name: 'pool' })),
        ...blocks.map((block) => sewBlock(block, cell, args.cnf, gamma)),
        globalAvgPool('gap'),
        ...(args.aggregate === 'logits' ? [classify, meet] : [meet, classify]),
      ),
    );
  },
});

function sewBlock(block: Block, cell: Cells, cnf: 'ADD' | 'AND' | 'IAND', gamma: number): Piece {
  const { name, channels, stride } = block;
  const convolutions = convolutionsOf(block);
  const branch = chain(
    ...convolutions.flatMap(({ channels: out, ...window }, i) => {
      const last = i === convolutions.length - 1;
      const options = { ...window, bias: false, ...(last && { gamma }) };
      return [cell.convNorm(`${name}/conv${i + 1}`, out, options), cell.lif(`${name}/lif${i + 1}`)];
    }),
  );
  const shortcut: Piece = (x) =>
    stride === 1 && x.shape.at(-1) === channels
      ? x
      : chain(
          cell.convNorm(`${name}/downsample`, channels, { kernel: 1, stride, bias: false }),
          cell.lif(`${name}/downsample/lif`),
        )(x);
  return (x) => meetSpikes(name, cnf, branch(x), shortcut(x));
}

/** A, the block's spikes, and S, the shortcut's. */
function meetSpikes(name: string, cnf: 'ADD' | 'AND' | 'IAND', A: Value, S: Value): Value {
  if (cnf === 'ADD') return tf.layers.add({ name: `${name}/add` }).apply([A, S]) as Value;
  const gate = cnf === 'AND' ? A : (new Invert({ name: `${name}/not` }).apply(A) as Value);
  return tf.layers.multiply({ name: `${name}/and` }).apply([gate, S]) as Value;
}
