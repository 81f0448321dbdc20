import type { tf } from '@bidl/engine';
import type { OpName, Padding, ValueRef } from '@bidl/graph';
import { Unsupported } from '../finding.js';
import { foldNorm, numbersOf } from './norm.js';
import { weightOf, type Scope } from './scope.js';

type Config = Readonly<Record<string, unknown>>;
type Capture = (scope: Scope, layer: tf.layers.Layer, xs: readonly ValueRef[], config: Config) => ValueRef;

const identity: Capture = (_, __, [x]) => x;

/** tfjs layers by class name: each as operations on what one time step gives, the batch left out. */
const LAYERS: Readonly<Record<string, Capture>> = {
  Dense: (scope, layer, [x], config) => {
    if (x.type.shape.length !== 1) {
      throw new Unsupported(
        'supported-layer',
        `is a dense layer on [${x.type.shape.join(', ')}]`,
        'flatten its input: new OverTime(tf.layers.flatten())',
      );
    }
    const y = scope.builder.dense(x, kernelOf(scope, layer), biasOf(scope, layer), at(scope, 'dense'));
    return activated(scope, y, config['activation']);
  },
  Conv2D: (scope, layer, [x], config) => {
    channelsLast(config);
    const dilation = pair(config['dilationRate'] ?? 1);
    if (dilation.some((d) => d !== 1)) {
      throw new Unsupported('supported-layer', 'has a dilated kernel', 'use dilationRate 1');
    }
    const kernel = kernelOf(scope, layer);
    const [kh = 1, kw = 1] = kernel.type.shape;
    const stride = pair(config['strides']);
    const options = { stride, padding: paddingOf(x, [kh, kw], stride, config['padding']) };
    const y = scope.builder.conv2d(x, kernel, biasOf(scope, layer), options, at(scope, 'conv2d'));
    return activated(scope, y, config['activation']);
  },
  BatchNormalization: (scope, layer, [x], config) => {
    const numbers = (name: string) => {
      const weight = weightOf(layer, name);
      return weight && numbersOf(weight);
    };
    const [mean, variance] = [numbers('moving_mean'), numbers('moving_variance')];
    if (!mean || !variance || ![-1, x.type.shape.length].includes(Number(config['axis']))) {
      throw new Unsupported('supported-layer', 'normalises another axis than the channels', 'use axis -1');
    }
    const epsilon = Number(config['epsilon']);
    const norm = foldNorm(scope, { gamma: numbers('gamma'), beta: numbers('beta'), mean, variance, epsilon });
    return scope.builder.node('affine', [x, norm.scale, norm.shift], {}, at(scope, 'norm'));
  },
  Flatten: (scope, _, [x]) => reshaped(scope, x, [size(x)]),
  Reshape: (scope, _, [x], config) => {
    const target = (config['targetShape'] as (number | null)[]).map((n) => (n === null || n < 0 ? -1 : n));
    const known = target.filter((n) => n > 0).reduce((a, b) => a * b, 1);
    return reshaped(
      scope,
      x,
      target.map((n) => (n > 0 ? n : size(x) / known)),
    );
  },
  MaxPooling2D: (scope, _, [x], config) => scope.builder.maxPool(x, pooling(x, config), at(scope, 'maxPool')),
  AveragePooling2D: (scope, _, [x], config) =>
    scope.builder.avgPool(x, pooling(x, config), at(scope, 'avgPool')),
  GlobalAveragePooling2D: (scope, _, [x], config) => {
    channelsLast(config);
    return scope.builder.node('globalAvgPool', [x], {}, at(scope, 'globalAvgPool'));
  },
  GlobalMaxPooling2D: (scope, _, [x], config) => {
    channelsLast(config);
    const [h = 1, w = 1, c = 1] = x.type.shape;
    return reshaped(scope, scope.builder.maxPool(x, { size: [h, w] }, at(scope, 'maxPool')), [c]);
  },
  Activation: (scope, _, [x], config) => activated(scope, x, config['activation']),
  ReLU: (scope, _, [x], config) => {
    const max = config['maxValue'];
    if (max !== undefined && max !== null) {
      throw new Unsupported('supported-layer', `cuts off at ${String(max)}`, 'use a ReLU without maxValue');
    }
    return activated(scope, x, 'relu');
  },
  Dropout: identity,
  SpatialDropout1D: identity,
  GaussianDropout: identity,
  GaussianNoise: identity,
  AlphaDropout: identity,
  InputLayer: identity,
  Add: merged('add'),
  Subtract: merged('sub'),
  Multiply: merged('mul'),
};

/**
 * A layer without state as operations of the graph.
 *
 * @throws Unsupported for a layer, or an argument of one, that no operation computes.
 */
export function captureStateless(scope: Scope, layer: tf.layers.Layer, xs: readonly ValueRef[]): ValueRef {
  const name = layer.getClassName();
  if (!Object.hasOwn(LAYERS, name)) {
    throw new Unsupported(
      'supported-layer',
      `(${name}) has no operation to compile to`,
      `replace it by one of ${Object.keys(LAYERS).join(', ')}`,
    );
  }
  return LAYERS[name](scope, layer, xs, layer.getConfig() as Config);
}

function merged(op: OpName): Capture {
  return (scope, _, [first, ...rest]) => {
    for (const { type } of rest) {
      if (type.shape.join() === first.type.shape.join()) continue;
      throw new Unsupported(
        'supported-layer',
        `joins [${first.type.shape.join(', ')}] and [${type.shape.join(', ')}]`,
        'join values of one shape',
      );
    }
    return rest.reduce((sum, x) => scope.builder.node(op, [sum, x], {}, { layer: scope.layer }), first);
  };
}

const ACTIVATIONS: readonly string[] = ['relu', 'tanh', 'sigmoid'];

function activated(scope: Scope, x: ValueRef, activation: unknown): ValueRef {
  if (activation === undefined || activation === null || activation === 'linear') return x;
  if (typeof activation === 'string' && ACTIVATIONS.includes(activation)) {
    return scope.builder.node(activation as OpName, [x], {}, at(scope, activation));
  }
  throw new Unsupported(
    'supported-layer',
    `has the activation ${JSON.stringify(activation)}`,
    `use ${ACTIVATIONS.join(', ')} or linear`,
  );
}

function kernelOf(scope: Scope, layer: tf.layers.Layer): ValueRef {
  const kernel = weightOf(layer, 'kernel');
  if (kernel) return scope.weight('kernel', kernel);
  throw new Unsupported('supported-layer', 'has no weights yet', 'apply it to an input first');
}

function biasOf(scope: Scope, layer: tf.layers.Layer): ValueRef | undefined {
  const bias = weightOf(layer, 'bias');
  return bias && scope.weight('bias', bias);
}

function pooling(x: ValueRef, config: Config) {
  channelsLast(config);
  const size = pair(config['poolSize']);
  const stride = pair(config['strides'] ?? size);
  return { size, stride, padding: paddingOf(x, size, stride, config['padding']) };
}

/** TensorFlow's `same`: the output has ⌈extent / stride⌉ places; an odd number of cells puts the extra one last. */
function paddingOf(
  { type }: ValueRef,
  window: readonly [number, number],
  stride: readonly [number, number],
  padding: unknown,
): Padding {
  if (padding === 'valid' || padding === undefined || padding === null) return [0, 0, 0, 0];
  if (padding !== 'same') {
    throw new Unsupported(
      'supported-layer',
      `has padding ${JSON.stringify(padding)}`,
      'use "same" or "valid"',
    );
  }
  const around = [0, 1].flatMap((axis) => {
    const extent = type.shape[axis] ?? 1;
    const needed = (Math.ceil(extent / stride[axis]) - 1) * stride[axis] + window[axis] - extent;
    const total = Math.max(0, needed);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
  return around as unknown as Padding;
}

function channelsLast(config: Config): void {
  if (config['dataFormat'] !== 'channelsFirst') return;
  throw new Unsupported('supported-layer', 'has its channels first', 'use dataFormat "channelsLast"');
}

function pair(value: unknown): [number, number] {
  const [a, b = a] = Array.isArray(value) ? (value as number[]) : [Number(value)];
  return [a, b];
}

function reshaped(scope: Scope, x: ValueRef, shape: readonly number[]): ValueRef {
  return shape.join() === x.type.shape.join() ? x : scope.builder.reshape(x, shape, { layer: scope.layer });
}

const size = ({ type }: ValueRef): number => type.shape.reduce((a, b) => a * b, 1);
const at = ({ layer }: Scope, what: string) => ({ layer, what });
