import { checkConfig, type RunConfig } from '@bidl/config';
import { BaseDataset, registerDataset } from '@bidl/datasets';
import { ndarray } from '@bidl/formats';

const [T, SIZE] = [3, 8];

/** For the specs: clips of a bar, standing or lying, with some noise; made, not read. `data_prefix` ends in the count. */
class Bars extends BaseDataset {
  static override CLASSES = ['row', 'column'];

  load_annotations() {
    return Array.from({ length: Number(this.data_prefix.split('/').at(-1)) }, (_, sample) => {
      const label = sample % 2;
      const data = Uint8Array.from({ length: T * SIZE * SIZE * 2 }, (_, i) => {
        const [x, y] = [Math.floor(i / 2) % SIZE, Math.floor(i / (2 * SIZE)) % SIZE];
        if ((label === 0 ? y : x) === (sample * 3) % SIZE) return 2;
        return (i * (sample + 3)) % 11 === 0 ? 1 : 0;
      });
      return { img: ndarray(data, [T, SIZE, SIZE, 2]), gt_label: label };
    });
  }
}
registerDataset(Bars);

/** A whole run in miniature. */
export function barsConfig(backbone: Readonly<Record<string, unknown>> = {}): RunConfig {
  const set = (count: number) => ({ type: 'Bars', data_prefix: `made/${count}`, pipeline: [] });
  return checkConfig({
    model: {
      type: 'ImageClassifier',
      backbone: {
        ...{ type: 'SeqClif3Fc3DmItout', timestep: T, input_channels: 2, h: SIZE, w: SIZE, nclass: 2 },
        ...backbone,
      },
      head: { type: 'ClsHead', loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1 } },
    },
    data: { samples_per_gpu: 10, workers_per_gpu: 0, train: set(30), val: null, test: set(30) },
    optimizer: { type: 'Adam', lr: 1e-3 },
    lr_config: { policy: 'fixed' },
    runner: { type: 'EpochBasedRunner', max_epochs: 1 },
  });
}
