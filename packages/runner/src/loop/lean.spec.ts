import { startEngine, tf } from '@bidl/engine';
import { ndarray } from '@bidl/formats';
import { buildClassifier } from '@bidl/models';
import { tinyNetwork } from '../testing/tiny.js';
import { EpochBasedRunner } from './epoch-based-runner.js';
import { MemoryError } from './errors.js';
import { ForwardBackward } from './forward-backward.js';
import type { Batch } from './loader.js';
import { runners } from './runners.js';

beforeAll(() => startEngine());

const STEPS = 4;
const SIZE = 16;
const labels = Int32Array.of(0, 2, 1, 0);
const clips: Batch = {
  img: ndarray(
    Uint8Array.from({ length: 4 * STEPS * SIZE * SIZE * 2 }, (_, i) => (Math.sin(i * i) > 0.6 ? 2 : 0)),
    [4, STEPS, SIZE, SIZE, 2],
  ),
  gt_label: labels,
  release: () => undefined,
};

const PLAIN = { type: 'SeqClif3Fc3DmItout', timestep: STEPS, nclass: 3 };
const RESIDUAL = {
  depth: 10,
  nclass: 3,
  low_resolut: true,
  stem_channels: 16,
  base_channels: 16,
  noise: 0.01,
};
const RATE = { type: 'FiringRate', target: 0.4, weight: 0.5 };
const MEMBRANE = { type: 'MembraneBounds', weight: 0.1 };
const NETWORKS: readonly { name: string; model: object; tbptt?: number }[] = [
  { name: 'plain', model: { backbone: PLAIN } },
  { name: 'analog', model: { backbone: { ...PLAIN, cmode: 'analog' } } },
  { name: 'in parts', model: { backbone: PLAIN }, tbptt: 3 },
  { name: 'LIF+', model: { backbone: { ...PLAIN, neuron: 'lifplus' } } },
  { name: 'with regularisers', model: { backbone: PLAIN, regularize: [RATE, MEMBRANE] } },
  { name: 'residual', model: { backbone: { ...RESIDUAL, type: 'ResNetLifItout' } } },
  {
    name: 'residual, statistics of the sequence',
    model: { backbone: { ...RESIDUAL, type: 'ResNetLif' } },
  },
];

it.each(NETWORKS)('trains with the same bits in less memory: $name', async ({ model, tbptt }) => {
  const train = async (memory: 'full' | 'lean') => {
    const classifier = buildClassifier(
      { type: 'ImageClassifier', ...model },
      { inputShape: [STEPS, SIZE, SIZE, 2], seed: 4 },
    );
    const passes = new ForwardBackward(classifier, tbptt, memory);
    const step = () => {
      const { loss, logits, gradients } = passes.run(clips, labels);
      const found = [loss, logits, ...gradients.values()].map((t) => Array.from(t.dataSync()));
      tf.dispose([loss, logits, ...gradients.values()]);
      return found;
    };
    const before = tf.memory();
    let numbers: number[][] = [];
    const { kernels } = await tf.profile(() => {
      numbers = step();
      return [];
    });
    expect(step()).toHaveLength(numbers.length);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    const statistics = classifier.weights().map(({ variable }) => Array.from(variable.dataSync()));
    classifier.dispose();
    const most = Math.max(...kernels.map(({ totalBytesSnapshot }) => totalBytesSnapshot));
    return { numbers, statistics, peak: most - before.numBytes };
  };
  const [full, lean] = [await train('full'), await train('lean')];
  expect(lean.numbers).toEqual(full.numbers);
  expect(lean.statistics).toEqual(full.statistics);
  expect(lean.peak).toBeLessThan(0.9 * full.peak);
});

it('is asked for by runner.memory, and needs a network that takes it', () => {
  const parts = { classifier: tinyNetwork() } as unknown as ConstructorParameters<typeof EpochBasedRunner>[0];
  const build = (memory: unknown) => () =>
    runners.build({ type: 'EpochBasedRunner', max_epochs: 1, memory }, parts, 'runner');
  expect(build('lean')).toThrow(MemoryError);
  expect(build('full')).not.toThrow();
  expect(build(null)).not.toThrow();
  expect(build('leen')).toThrow(/runner\.memory.*"full".*"lean"/);
});
