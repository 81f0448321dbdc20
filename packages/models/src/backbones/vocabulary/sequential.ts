import type { tf } from '@bidl/engine';
import { BatchNorm } from '@bidl/neurons';
import { ConfigError } from '@bidl/registry';
import { z } from 'zod';
import { frameSizes, imageShape } from '../args.js';
import { backbones, type BackboneContext } from '../backbone.js';
import { cells } from './cells.js';
import { chain, flatten, layer, linear, maxPool, network, together, type Piece } from './piece.js';

/** Channels of a spiking convolution; 3x3, stride 1, padding 1 unless told otherwise. */
export interface ConvolutionPlan {
  readonly channels: number;
  readonly kernel?: number;
  readonly stride?: number;
}

/** A network of spiking convolutions, spiking linear layers and linear layers, one after the other. */
export interface SequentialPlan {
  /** A BatchNorm on the frames. */
  readonly inputNorm?: boolean;
  readonly convolutions: readonly ConvolutionPlan[];
  /** 2x2 max-pooling: behind the neurons of each convolution, between convolution and neurons, or none. */
  readonly pooling: 'behind' | 'inside' | 'none';
  /** Neurons of the spiking linear layers; `classes` stands for the number of classes. */
  readonly spiking?: readonly (number | 'classes')[];
  /** Linear layers by name, ReLU between them. */
  readonly head?: readonly (readonly [name: string, units: number | 'classes'])[];
  /** What the sum over time is divided by: the argument `timestep`, or the sample's number of steps. */
  readonly mean: 'timestep' | 'steps';
}

export const sequentialSchema = z.strictObject(imageShape({ timestep: 20, nclass: 10 }));
export type SequentialArgs = z.output<typeof sequentialSchema>;

/**
 * The network of a plan. Layers are named clif1, mp1, ..., flat, flif1, ... and as the plan names its linear layers.
 *
 * With `aggregate: 'logits'` the head runs on every step and its logits are brought together; with `features` it runs
 * once on what the body gives.
 *
 * @returns a model from `[B, T, H, W, C]` to logits `[B, nclass]`
 * @throws ConfigError when the samples don't fit the arguments, or pooling leaves nothing of them
 */
export function sequential(
  type: string,
  plan: SequentialPlan,
  args: SequentialArgs,
  { inputShape, seed }: BackboneContext,
): tf.LayersModel {
  const { steps, h, w, c } = frameSizes(args, inputShape);
  checkPooling({ h, w }, plan);
  const cell = cells(args, seed);
  const units = (size: number | 'classes') => (size === 'classes' ? args.nclass : size);
  const { pooling, spiking = [], head = [] } = plan;

  const body: Piece[] = [
    ...(plan.inputNorm ? [layer(() => new BatchNorm({ name: 'norm', statistics: args.statistics }))] : []),
    ...plan.convolutions.flatMap(({ channels, ...window }, i) => [
      cell.conv(`clif${i + 1}`, channels, { ...window, pooled: pooling === 'inside' }),
      ...(pooling === 'behind' ? [maxPool(`mp${i + 1}`)] : []),
    ]),
    flatten(),
  ];
  const classifier: Piece[] = [
    ...spiking.map((size, i) => cell.fc(`flif${i + 1}`, units(size), args.fmode)),
    ...head.map(([name, size], i) =>
      linear(name, units(size), { seed, activation: i < head.length - 1 ? 'relu' : 'linear' }),
    ),
  ];
  const logits = args.aggregate === 'logits';
  const meet = together(args.amode, logits && plan.mean === 'timestep' ? args.timestep : undefined);
  const layers = logits ? [...body, ...classifier, meet] : [...body, meet, ...classifier];
  return network(type, [steps, h, w, c], chain(...layers));
}

/** @throws ConfigError naming the side of the frames that pooling leaves nothing of */
function checkPooling(
  sizes: Readonly<Record<'h' | 'w', number>>,
  { convolutions, pooling }: SequentialPlan,
): void {
  const left = (size: number) =>
    convolutions.reduce((n, { stride = 1 }) => {
      const convolved = Math.ceil(n / stride);
      return pooling === 'none' ? convolved : Math.floor(convolved / 2);
    }, size);
  for (const [name, size] of Object.entries(sizes)) {
    if (left(size) > 0) continue;
    let least = size + 1;
    while (left(least) === 0) least++;
    throw new ConfigError(
      `model.backbone.${name} is ${size}: ${convolutions.length} poolings leave nothing of it; use samples of ${least} or more`,
      `model.backbone.${name}`,
    );
  }
}

/** Arguments of a sequential network by name, each a zod type. */
type Shape = typeof sequentialSchema.shape;

/** Registers the network of a plan under names that differ in their arguments' defaults. */
export function registerSequential(
  plan: SequentialPlan,
  names: Readonly<Record<string, { readonly [key in keyof Shape]: z.ZodType<z.output<Shape[key]>> }>>,
): void {
  for (const [type, shape] of Object.entries(names)) {
    backbones.register({
      type,
      schema: z.strictObject(shape),
      build: (args, context) => sequential(type, plan, args as SequentialArgs, context),
    });
  }
}
