import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { capture, compareForced, CompileError, optimise, stateScales } from '@bidl/compile';
import { unsettle } from '@bidl/compile/testing';
import { startEngine, tf } from '@bidl/engine';
import { readArtifact, sha256, writeArtifact, type StepGraph } from '@bidl/graph';
import { backbones } from '@bidl/models';
import { sequence, SpikingLayer, StepError, stepper } from '@bidl/neurons';
import { openSimulator, type Simulator } from '@bidl/sdk-runtime';
import { bySteps, type TestSample } from './samples.js';
import { checkSteps } from './target/step-check.js';

/** A network at reduced size: its samples `[T, ...]`, and arguments that make it small. */
interface Small {
  readonly type: string;
  readonly sample: readonly number[];
  readonly args?: Readonly<Record<string, unknown>>;
}

const of = (types: readonly string[], sample: readonly number[], args?: Small['args']): Small[] =>
  types.map((type) => ({ type, sample, ...(args && { args }) }));

const residual = { low_resolut: true, base_channels: 8, stem_channels: 8, nclass: 4 };

/** Networks whose time steps stay apart. */
const STEPPED: readonly Small[] = [
  ...of(['SeqClif3Fc3DmItout', 'SeqClif3Fc3DmIt', 'SeqClifplus3Fc3DmItout'], [3, 8, 8, 2]),
  ...of(['SeqClif3Fc3LcItout', 'SeqClifplus3Fc3LcItout'], [3, 8, 8, 1], { cmode: 'analog' }),
  ...of(['SeqClif3Fc3MNISTItout', 'SeqClifplus3Fc3MNISTItout'], [2, 12, 12, 1]),
  ...of(['SeqClif5Fc2DmItout', 'SeqClif5Fc2DmIt', 'SeqClif5Fc2CdItout', 'SeqClif5Fc2CdIt'], [2, 64, 64, 2]),
  ...of(['SeqClifplus5Fc2DmItout', 'SeqClifplus5Fc2CdItout'], [2, 64, 64, 2], { cmode: 'analog' }),
  ...of(['SeqClif7Fc1DgItout', 'SeqClif7Fc1CdIt', 'SeqClifplus7Fc1CdItout'], [1, 128, 128, 2]),
  ...of(['SeqClif3Flif2DgItout', 'SeqClif3Flif2RgItout'], [3, 16, 16, 2]),
  ...of(['SeqClifplus3Flifplus2DgItout', 'SeqClifplus3Flifplus2RgItout'], [3, 16, 16, 2]),
  ...of(['FastTextItout', 'FastTextlifplusItout'], [6], { vocab_size: 30 }),
  ...of(['ResNetLifItout', 'ResNetLifReluItout', 'ResNetLif'], [2, 16, 16, 2], { depth: 10, ...residual }),
  ...of(['ResNetLifItout'], [2, 32, 32, 2], { ...residual, depth: 18, low_resolut: false }),
  ...of(['ResNetLifItout'], [2, 16, 16, 3], {
    depth: 50,
    norm: { mean: [1, 2, 3], std: [2, 3, 4] },
    ...residual,
  }),
  ...of(['ResNetLifItout'], [2, 16, 16, 2], { depth: 34, neuron: 'lifplus', cmode: 'analog', ...residual }),
  ...of(['ResNetLifItout_MP'], [2, 16, 16, 2], { depth: 18, split: [0, 3], ...residual }),
  ...of(['ResNetLifItout_MP'], [2, 16, 16, 2], { depth: 18, split: [3, 8], ...residual }),
  ...of(['SEWResNet'], [2, 32, 32, 2], { depth: 10, base_channels: 8, cnf: 'ADD' }),
  ...of(['SEWResNet'], [2, 32, 32, 2], { depth: 18, base_channels: 8, cnf: 'IAND' }),
  ...of(['VGG7_SNN', 'VGG7_SNNPlus'], [2, 64, 64, 2]),
  ...of(['SeqClif3Fc3DmItout'], [3, 8, 8, 2], { neuron: 'PLIF' }),
  ...of(['ResNetLifItout'], [2, 16, 16, 2], { depth: 10, neuron: 'ALIF', ...residual }),
  ...of(['VGG7_SNN'], [2, 64, 64, 2], { neuron: { type: 'CubaLIF' } }),
  ...of(['SeqRlif2Fc1ShdItout'], [5, 20], { hidden: [12, 8] }),
];

/** Names that stand for a network above with other arguments; and one with a test of its own. */
const SAME = ['SeqClif7Fc1CdItout', 'SeqClif7Fc1DgIt', 'SeqClifplus7Fc1DgItout', 'VGG7_SNNIt'];

/** Networks that mix time, with the layer that says so. */
const MIXED: readonly (Small & { readonly layer: string })[] = [
  { type: 'AttentionVGGNet', sample: [4, 32, 32, 2], layer: 'twa1' },
  {
    type: 'ResNetLif',
    sample: [4, 16, 16, 2],
    args: { depth: 10, ...residual, down_t: [2, 'max'] },
    layer: 'pool/time',
  },
];

let folder: string;
let driver: Simulator;
beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-networks-'));
  driver = await openSimulator();
}, 120_000);
afterAll(() => {
  driver.close();
  rmSync(folder, { recursive: true, force: true });
});

const build = ({ type, sample, args }: Small): tf.LayersModel => {
  const model = backbones.build({ type, timestep: sample[0], ...args }, { inputShape: sample, seed: 3 });
  unsettle(model, 5);
  return model;
};

/** Small whole numbers, most of them 0: events, or token ids. A later piece of a network takes what earlier ones give. */
const samplesFor = ({ inputs }: tf.LayersModel): tf.Tensor => {
  const sample = inputs[0]?.shape.slice(1).map((size) => size ?? 1) ?? [];
  return tf.tidy(() =>
    tf
      .randomUniform([2, ...sample], -3, 4, 'float32', 7)
      .relu()
      .ceil(),
  );
};

/** The steps of a sequence (TensorFlow.js unstacks more than one). */
const framesOf = (x: tf.Tensor): tf.Tensor[] => (x.shape[1] === 1 ? [x.squeeze([1])] : tf.unstack(x, 1));

test('every network is here', () => {
  const here = new Set([...STEPPED, ...MIXED].map(({ type }) => type).concat(SAME));
  expect(backbones.types().filter((type) => !here.has(type))).toEqual([]);
});

describe.each(STEPPED.map((small) => [small.type, small.args ?? {}, small] as const))(
  '%s %j',
  (_, __, small) => {
    let model: tf.LayersModel;
    let x: tf.Tensor;
    let captured: StepGraph;
    beforeAll(() => {
      model = build(small);
      x = samplesFor(model);
      captured = capture(model);
    });
    afterAll(() => {
      model.dispose();
      x.dispose();
    });

    test('sequence = stepper, each layer fed with what the sequence gave', () => {
      let spikes = 0;
      const watch = (layer: tf.layers.Layer, [given]: readonly tf.Tensor[], out: tf.Tensor) => {
        if (!(layer instanceof SpikingLayer) || !given) return;
        tf.tidy(() => {
          let state = layer.initialState([2, ...given.shape.slice(2)]);
          const outs = framesOf(given).map((frame) => {
            const stepped = layer.step(frame, state);
            state = stepped.state;
            return stepped.out;
          });
          const apart = tf.stack(outs, 1).sub(out).abs().greater(1e-4).sum().dataSync()[0] ?? NaN;
          expect([layer.name, apart <= 1 + 1e-6 * out.size ? 'same' : apart]).toEqual([layer.name, 'same']);
          spikes += out.notEqual(0).sum().dataSync()[0] ?? NaN;
        });
      };
      const want = sequence(model).run(x, { watch });
      expect(spikes).toBeGreaterThan(0);
      const out = tf.tidy(() => {
        const { initialState, step } = stepper(model);
        let state = initialState(2);
        const outs = tf.unstack(x, 1).map((frame) => {
          const stepped = step(frame, state);
          state = stepped.state;
          return stepped.out;
        });
        // A piece of a network gives every step, a network what its steps come to.
        return want.rank > 2 ? tf.stack(outs, 1) : (outs.at(-1) as tf.Tensor);
      });
      expect(out.shape).toEqual(want.shape);
      tf.dispose([out, want]);
    });

    test('stepper = step graph, before and after all passes', async () => {
      for (const graph of [captured, optimise(captured)]) {
        const scales = stateScales(captured, graph);
        for (const { layer, unexplained } of await compareForced(model, graph, x, { scales })) {
          expect({ layer, unexplained }).toEqual({ layer, unexplained: 0 });
        }
      }
    });

    test('step graph = simulator, to the bit', async () => {
      const graph = optimise(captured);
      const size = x.size / 2;
      const data = x.dataSync<'float32'>();
      const samples: TestSample[] = [0, 1].map((i) => ({
        img: data.slice(i * size, (i + 1) * size),
        label: 0,
      }));
      const dir = path.join(folder, 'artifact');
      await writeArtifact(dir, {
        graph,
        batch: 2,
        producer: { name: 'spec', version: '0' },
        config: sha256('config'),
        checkpoint: sha256('checkpoint'),
        target: { name: 'apu', options: {} },
        samples: samples.slice(0, 1).map((sample) => bySteps(sample, 'float32', graph.timesteps)),
      });
      expect((await checkSteps(readArtifact(dir), driver, 0, samples)).equal).toBe(true);
    });
  },
);

test('neurons behind the aggregation see one step: they run, but don’t compile', () => {
  const model = build({ type: 'VGG7_SNNIt', sample: [2, 64, 64, 2] });
  expect(stepper(model).initialState(1)).toHaveProperty('clif1');
  expect(() => capture(model)).toThrow(/flif1.*comes after|flif1\/step/);
  model.dispose();
});

test.each(MIXED.map((small) => [small.type, small] as const))(
  '%s mixes time: stepper and compiler name the layer',
  (_, small) => {
    const model = build(small);
    expect(() => stepper(model)).toThrow(StepError);
    expect(() => stepper(model)).toThrow(small.layer);
    expect(() => capture(model)).toThrow(CompileError);
    expect(() => capture(model)).toThrow(small.layer);
    model.dispose();
  },
);
