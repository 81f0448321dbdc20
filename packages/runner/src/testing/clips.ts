import type { RunConfig } from '@bidl/config';
import { checkConfig } from '@bidl/config';
import { ndarray } from '@bidl/formats';
import { BaseDataset, registerDataset } from '@bidl/datasets';

/** For the specs: 8x8 clips of two steps with a bar whose direction is the class; made, not read. */
export class TinyClips extends BaseDataset {
  static override CLASSES = ['row', 'column'];

  load_annotations() {
    const count = Number(this.data_prefix.split('/').at(-1));
    return Array.from({ length: count }, (_, sample) => {
      const label = sample % 2;
      const data = Uint8Array.from({ length: 2 * 8 * 8 * 2 }, (_, i) => {
        const [x, y] = [Math.floor(i / 2) % 8, Math.floor(i / 16) % 8];
        const along = label === 0 ? y : x;
        return along === (sample * 3) % 8 ? 2 : (i * (sample + 3)) % 11 === 0 ? 1 : 0;
      });
      return { img: ndarray(data, [2, 8, 8, 2]), gt_label: label };
    });
  }
}
registerDataset(TinyClips);

/** A whole run in miniature. */
export function tinyConfig(changes: Readonly<Record<string, unknown>> = {}): RunConfig {
  const set = (count: number) => ({ type: 'TinyClips', data_prefix: `made/${count}`, pipeline: [] });
  return checkConfig({
    model: {
      type: 'ImageClassifier',
      backbone: {
        type: 'SeqClif3Fc3DmItout',
        timestep: 2,
        input_channels: 2,
        h: 8,
        w: 8,
        nclass: 2,
        cmode: 'analog',
        noise: 1e-3,
      },
      head: {
        type: 'ClsHead',
        loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1 },
        topk: [1, 5],
        cal_acc: true,
      },
    },
    data: { samples_per_gpu: 8, workers_per_gpu: 0, train: set(36), val: set(12), test: set(12) },
    optimizer: { type: 'Adam', lr: 1e-3 },
    lr_config: { policy: 'CosineAnnealing', min_lr: 0, warmup: 'linear', warmup_iters: 3 },
    runner: { type: 'EpochBasedRunner', max_epochs: 2 },
    log_config: { interval: 2 },
    ...changes,
  });
}
