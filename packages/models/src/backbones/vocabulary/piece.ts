import { tf } from '@bidl/engine';
import { Aggregation, OverTime, torchDefault, type AggregationMode } from '@bidl/neurons';

/** A value of a network under construction, `[B, T, ...]` or, once time is gone, `[B, ...]`. */
export type Value = tf.SymbolicTensor;

/** A part of a network: from what comes in to what goes out. */
export type Piece = (x: Value) => Value;

/** One after the other. */
export const chain =
  (...pieces: readonly Piece[]): Piece =>
  (x) =>
    pieces.reduce((value, piece) => piece(value), x);

/** A layer as a piece. */
export const layer =
  (make: () => tf.layers.Layer): Piece =>
  (x) =>
    make().apply(x) as Value;

/** A tfjs layer on every time step of `[B, T, ...]`, or once on `[B, ...]`. */
const onSteps =
  (make: (x: Value) => tf.layers.Layer, rankOfOne: number): Piece =>
  (x) => {
    const layer = make(x);
    return (x.shape.length > rankOfOne ? new OverTime(layer) : layer).apply(x) as Value;
  };

/** 2x2 max-pooling of every image. */
export const maxPool = (name: string): Piece =>
  onSteps(() => tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name }), 4);

/** Average pooling; with `ceil`, a window that stands over the border averages what it has. */
export const avgPool = (name: string, size: number, { stride = size, ceil = false } = {}): Piece =>
  onSteps(
    () =>
      tf.layers.averagePooling2d({ poolSize: size, strides: stride, padding: ceil ? 'same' : 'valid', name }),
    4,
  );

/** The mean of every image, one value a channel. */
export const globalAvgPool = (name: string): Piece =>
  onSteps(() => tf.layers.globalAveragePooling2d({ name }), 4);

export const relu = (name: string): Piece => layer(() => tf.layers.reLU({ name }));

/** Images to vectors, channels last. */
export const flatten = (name = 'flat'): Piece => onSteps(() => tf.layers.flatten({ name }), 4);

/** A linear layer that starts as PyTorch's does. */
export const linear = (
  name: string,
  units: number,
  { seed, activation = 'linear' }: { readonly seed: number; readonly activation?: 'linear' | 'relu' },
): Piece =>
  onSteps((x) => {
    const { kernel, bias } = torchDefault(x.shape.at(-1) ?? 1, seed, name);
    return tf.layers.dense({ name, units, activation, kernelInitializer: kernel, biasInitializer: bias });
  }, 2);

/** The sum of branches. */
export const sum =
  (name: string, ...branches: readonly Piece[]): Piece =>
  (x) =>
    tf.layers.add({ name }).apply(branches.map((branch) => branch(x))) as Value;

/** What leaves its input as it is. */
export const identity: Piece = (x) => x;

/**
 * Brings the time steps together, `[B, T, ...] -> [B, ...]`. A mean divides by `divisor`, or by the steps. `none` leaves
 * them apart, for losses that judge every step.
 */
export const together =
  (mode: AggregationMode | 'none', divisor?: number): Piece =>
  (x) => {
    if (mode === 'none') return x;
    const layer = new Aggregation({
      name: 'aggregate',
      mode,
      ...(mode === 'mean' && divisor && { divisor }),
    });
    const y = layer.apply(x) as Value;
    return mode === 'pick'
      ? (tf.layers.reshape({ name: 'picked', targetShape: shapeOf(x) }).apply(y) as Value)
      : y;
  };

/** The shape of one step. */
const shapeOf = (x: Value): number[] => x.shape.slice(2).map((size) => size ?? -1);

/** A network from frames or vectors over time to logits. */
export function network(name: string, shape: readonly (number | null)[], piece: Piece): tf.LayersModel {
  const input = tf.input({ shape: [...shape], name: 'input' });
  return tf.model({ inputs: input, outputs: piece(input), name });
}
