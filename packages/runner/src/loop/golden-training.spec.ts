import { startEngine, tf } from '@bidl/engine';
import { ndarray, type NdArray } from '@bidl/formats';
import { buildClassifier, ClsHead, ImageClassifier, LabelSmoothLoss } from '@bidl/models';
import { channelsLast, expectClose, golden, oihwToHwio, oiToIo, transpose, type Golden } from '@bidl/testing';
import { lrHook } from '../hooks/lr-hook.js';
import { optimizerHook } from '../hooks/optimizer-hook.js';
import type { Hook } from '../hooks/hook.js';
import '../optimizers/builtin.js';
import { createOptimizer } from '../optimizers/optimizer.js';
import { createSchedule } from '../schedules/schedule.js';
import '../schedules/builtin.js';
import { EpochBasedRunner } from './epoch-based-runner.js';
import type { Loader } from './loader.js';

beforeAll(() => startEngine());

/** A layer of @bidl/neurons by its class name: @bidl/models registers them, and the runner does not know them. */
function layer(className: string, args: object): tf.layers.Layer {
  expect(buildClassifier).toBeDefined();
  const found = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!found) throw new Error(`${className} is not registered`);
  const [Layer] = found;
  return new (Layer as unknown as new (args: object) => tf.layers.Layer)(args);
}

/** Where upstream keeps what we call so. */
const LIF = {
  kernel: 'p0.weight',
  bias: 'p0.bias',
  alpha: 'lif.alpha',
  beta: 'lif.beta',
  theta: 'lif.theta',
  v_0: 'lif.v_0',
  'norm/gamma': 'lif.norm.weight',
  'norm/beta': 'lif.norm.bias',
  'norm/mean': 'lif.norm.running_mean',
  'norm/variance': 'lif.norm.running_var',
} as const;
const DENSE = { kernel: 'weight', bias: 'bias' } as const;

interface Case {
  readonly model: () => tf.LayersModel;
  readonly inputShape: readonly number[];
  /** Our name -> upstream's, and how to turn its layout into ours. */
  readonly keys: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly layout: (key: string, array: NdArray) => NdArray;
  readonly optimizer: object;
}

const cases: Record<string, Case> = {
  tinyconv_sgd_nesterov: {
    inputShape: [4, 8, 8, 2],
    model: () => {
      const args = { name: 'clif1', hidden_channel: 4, kernel_size: 3, padding: 1, mode: 'analog' };
      const x = tf.input({ shape: [4, 8, 8, 2] });
      const spikes = layer('Conv2dLif', args).apply(x);
      const pooled = layer('OverTime', tf.layers.maxPooling2d({ poolSize: 2, strides: 2 })).apply(spikes);
      const flat = tf.layers.reshape({ targetShape: [4, 64] }).apply(pooled);
      const logits = tf.layers.dense({ name: 'fc', units: 5 }).apply(flat);
      const mean = layer('Aggregation', { mode: 'mean' }).apply(logits) as tf.SymbolicTensor;
      return tf.model({ inputs: x, outputs: mean });
    },
    keys: { clif1: LIF, fc: DENSE },
    layout: (key, array) => {
      if (key === 'clif1.p0.weight') return oihwToHwio(array);
      if (key !== 'fc.weight') return array;
      // upstream flattens channels first
      const byPlace = transpose({ ...array, shape: [5, 4, 4, 4] }, [2, 3, 1, 0]);
      return { ...byPlace, shape: [64, 5] };
    },
    optimizer: { type: 'SGD', lr: 0.1, momentum: 0.9, weight_decay: 1e-4, nesterov: true },
  },
  tinyfc_adam: {
    inputShape: [5, 7],
    model: () => {
      const x = tf.input({ shape: [5, 7] });
      const hidden = layer('FcLif', { name: 'flif1', hidden_channel: 8, mode: 'spike' }).apply(x);
      const out = layer('FcLif', { name: 'flif2', hidden_channel: 4, mode: 'analog' }).apply(hidden);
      const mean = layer('Aggregation', { mode: 'mean' }).apply(out) as tf.SymbolicTensor;
      return tf.model({ inputs: x, outputs: mean });
    },
    keys: { flif1: LIF, flif2: LIF },
    layout: (key, array) => (key.endsWith('p0.weight') ? oiToIo(array) : array),
    optimizer: { type: 'Adam', lr: 0.01, weight_decay: 1e-4 },
  },
};

/** Upstream's array for one of our weights. */
function upstream({ keys, layout }: Case, file: Golden, when: 'param' | 'final', name: string): NdArray {
  const slash = name.indexOf('/');
  const [place, rest] = [name.slice(0, slash), name.slice(slash + 1)];
  const key = `${place}.${keys[place]?.[rest] ?? ''}`;
  return layout(key, file.get(`${when}/${key}`));
}

function loaderOf(file: Golden): Loader {
  const x = file.get('x');
  const labels = file.get('labels');
  const [steps = 0, batch = 0, ...sample] = x.shape;
  return {
    length: steps * batch,
    batches: steps,
    async *epoch() {
      for (let i = 0; i < steps; i++) {
        const size = x.data.length / steps;
        const part = ndarray((x.data as Float32Array).slice(i * size, (i + 1) * size), [batch, ...sample]);
        yield {
          img: sample.length === 4 ? channelsLast(part) : part,
          gt_label: Int32Array.from((labels.data as Int32Array).slice(i * batch, (i + 1) * batch)),
          release: () => undefined,
        };
      }
    },
  };
}

const runs = Object.entries(cases).flatMap(([name, example]) =>
  (['auto', 'composed'] as const).map((form) => [name, form, example] as const),
);

it.each(runs)('%s (%s): a training run gives the numbers that upstream gave', async (name, form, example) => {
  const file = golden('training', name);
  const tolerance = file.json.tolerance as Parameters<typeof expectClose>[2];
  const { lr, ...warmup } = file.json.warmup as Record<string, number>;
  const classifier = new ImageClassifier(
    example.model(),
    new ClsHead(new LabelSmoothLoss({ label_smooth_val: 0.1 }), [1, 5]),
  );
  classifier.backbone.layers.forEach((l) => 'form' in l && Object.assign(l, { form }));
  const weights = classifier.weights();
  for (const w of weights) {
    const { data } = upstream(example, file, 'param', w.name);
    w.variable.assign(tf.tensor(Array.from(data as Float32Array), w.variable.shape));
  }
  const optimizer = createOptimizer(example.optimizer, weights);
  const loader = loaderOf(file);
  const schedule = createSchedule(
    { policy: 'MultiStepLR', milestones: [], ...warmup },
    { baseLr: lr!, maxEpochs: 1, itersPerEpoch: loader.batches },
  );
  const losses: number[] = [];
  const rates: number[] = [];
  const note: Hook = { afterIter: (r) => void (losses.push(r.result.loss), rates.push(r.lr)) };
  await new EpochBasedRunner({
    classifier,
    optimizer,
    schedules: [schedule],
    loader,
    maxEpochs: 1,
    hooks: [lrHook(), optimizerHook(), note],
  }).run();
  expectClose(rates, file.get('lr').data as Float32Array, { rtol: 1e-6 }, 'lr');
  expectClose(losses, file.get('loss').data as Float32Array, tolerance, 'loss');
  for (const w of weights)
    expectClose(
      w.variable.dataSync(),
      upstream(example, file, 'final', w.name).data as Float32Array,
      tolerance,
      w.name,
    );
});
