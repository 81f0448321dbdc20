import { centre, tf } from '@bidl/engine';
import { mapTorchWeights, type MappedWeights } from '@bidl/interop';
import { namedWeights, SpikingLayer, type NamedVariable } from '@bidl/neurons';
import { channelsLast, expectClose, recipe, type Golden } from '@bidl/testing';
import { backbones } from '../backbones/backbone.js';

type Array = ReturnType<Golden['get']>;

export const tensor = ({ data, shape, dtype }: Array): tf.Tensor =>
  dtype === 'int32'
    ? tf.tensor(data as Int32Array, [...shape], 'int32')
    : tf.tensor(data as Float32Array, [...shape], 'float32');

/** Our network for a golden case: upstream's arguments, but for what its host path ignores. */
export function goldenNetwork({ json, get }: Golden, rest: object = {}): tf.LayersModel {
  const ignored = ['file', 'norm', 'split'];
  const ctor = Object.fromEntries(Object.entries(json.ctor ?? {}).filter(([key]) => !ignored.includes(key)));
  const type = String(json.class);
  const { shape } = get('x');
  const [, t = 0, c = 0, h = 0, w = 0] = shape;
  const inputShape = shape.length === 2 ? [t] : [t, h, w, c];
  const plain = type.startsWith('FastText') ? { dropout: 0 } : {};
  return backbones.build({ type, ...ctor, ...plain, ...rest }, { inputShape, seed: 0 }, 'model.backbone');
}

/** A case's input in our layout. */
export const goldenInput = (array: Array): tf.Tensor =>
  tensor(array.shape.length === 5 ? channelsLast(array) : array);

/** Upstream's weights, and everything that a case says about them, in a network of ours. */
export class UpstreamWeights {
  readonly variables: ReadonlyMap<string, NamedVariable>;
  private readonly file: ReadonlyMap<string, Array>;
  private readonly mapped: MappedWeights;
  private readonly names: ReadonlyMap<string, string>;

  constructor(
    private readonly model: tf.LayersModel,
    { json }: Golden,
  ) {
    this.variables = new Map(namedWeights(model).map((weight) => [weight.name, weight]));
    // The transposed alias of an embedding is no weight of its own.
    this.file = new Map([...recipe(json)].filter(([key]) => key !== 'embedding_fc.weight'));
    this.mapped = mapTorchWeights(model, { weights: this.file, others: [] });
    this.names = new Map(this.mapped.report.mapped.map(({ from, to }) => [from, to]));
  }

  /** The weight for one of upstream's keys. */
  of(key: string): NamedVariable {
    const weight = this.variables.get(this.names.get(key) ?? '');
    if (!weight) throw new Error(`the network has no ${key}`);
    return weight;
  }

  /** The layer of ours at a place of upstream's. */
  layerAt(place: string): string {
    const name = this.names.get(`${place}.theta`) ?? this.names.get(`${place}.v_0`) ?? '';
    return name.slice(0, name.lastIndexOf('/'));
  }

  /** Arrays of upstream's by key (a gradient lies as its weight does), by our names and in our layout. */
  ours(arrays: ReadonlyMap<string, Array>): ReadonlyMap<string, Array> {
    const small = [...this.file].filter(([, { shape }]) => shape.length < 2);
    const weights = new Map([...small, ...arrays]);
    return mapTorchWeights(this.model, { weights, others: [] }, { strict: false }).weights;
  }

  /** Fills the network by the recipe: every weight of ours, and no key left over. */
  load(): void {
    for (const [name, array] of this.mapped.weights) {
      tf.tidy(() => this.variables.get(name)?.variable.assign(tensor(array)));
    }
  }
}

/** A network whose spiking layers show what they get and give. */
export class Probe {
  readonly layers: readonly SpikingLayer[];
  private readonly model: tf.LayersModel;
  private readonly shown: readonly tf.SymbolicTensor[];

  constructor(model: tf.LayersModel, names: readonly string[]) {
    this.layers = names.map((name) => model.getLayer(name) as SpikingLayer);
    // A value that one layer gives and the next one takes stands there once: tfjs loses the second.
    const symbols = this.layers.flatMap((layer) => [layer.input, layer.output] as tf.SymbolicTensor[]);
    this.shown = [...new Set([...model.outputs, ...symbols])];
    this.model = tf.model({ inputs: model.inputs, outputs: [...this.shown] });
  }

  /** One pass; the tensors are the caller's. */
  run(x: tf.Tensor, training: boolean): Probed {
    const values = this.model.apply(x, { training }) as tf.Tensor[];
    const of = (symbol: unknown) => {
      const value = values[this.shown.indexOf(symbol as tf.SymbolicTensor)];
      if (!value) throw new Error('a value that the network does not give');
      return value;
    };
    const layers = this.layers.map((layer) => ({ layer, input: of(layer.input), out: of(layer.output) }));
    const logits = of(this.shown[0]);
    return { logits, layers, training };
  }
}

export interface Probed {
  readonly logits: tf.Tensor;
  readonly layers: readonly {
    readonly layer: SpikingLayer;
    readonly input: tf.Tensor;
    readonly out: tf.Tensor;
  }[];
  readonly training: boolean;
}

/** Mean output and mean |membrane| of every spiking layer at every step, against `[T, layers]` of upstream. */
export function compareMeans(
  { layers, training }: Probed,
  { get }: Golden,
  group: string,
  allowed: number,
): void {
  const byStep = (perLayer: number[][]) =>
    perLayer[0]?.flatMap((_, t) => perLayer.map((of) => of[t] ?? NaN)) ?? [];
  const compare = (perLayer: number[][], key: string) => {
    const want = get(`${group}/${key}`).data as Float32Array;
    const relative = (values: ArrayLike<number>) =>
      Float64Array.from(values, (v, i) => v / Math.max(1, Math.abs(want[i] ?? 0)));
    expectClose(relative(byStep(perLayer)), relative(want), allowed, `${group}/${key}`);
  };
  tf.tidy(() => {
    compare(
      layers.map(({ out }) => meanOfSteps(out)),
      'lif_out_mean',
    );
    compare(
      layers.map((layer) => membraneMeans(layer, training)),
      'lif_v_absmean',
    );
  });
}

/** The mean of every step of `[B, T, ...]`. */
export const meanOfSteps = (x: tf.Tensor): number[] => {
  const [batch = 1, steps = 1] = x.shape;
  const { mean } = centre(x.reshape([batch, steps, x.size / (batch * steps), 1]), [0, 2]);
  return Array.from(mean.dataSync());
};

/** Mean |membrane| after every step. */
export function membraneMeans(
  { layer, input }: { readonly layer: SpikingLayer; readonly input: tf.Tensor },
  training: boolean,
): number[] {
  const { neuron } = layer;
  const shown: typeof neuron = {
    ...neuron,
    step: (o, x, state, params) => {
      const result = neuron.step(o, x, state, params);
      return { ...result, out: result.state['v'] ?? result.out };
    },
  };
  const twin = Object.assign(Object.create(layer) as SpikingLayer, { neuron: shown });
  return meanOfSteps(twin.run(input, { training }).out.abs());
}
