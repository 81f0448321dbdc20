import { BaseDataset, registerDataset } from '@bidl/datasets';
import { loadPickle, type NdArray } from '@bidl/formats';

export class MyDateset extends BaseDataset {
  static override CLASSES = Array.from({ length: 10 }, (_, i) => `class${i}`);
  static override layout = 'TCHW' as const;

  override load_annotations() {
    console.error(`loading ${this.data_prefix}.pkl...`);
    const [dats, lbls, shape] = loadPickle(`${this.data_prefix}.pkl`) as [NdArray[], number[], number[]];
    return dats.map((img, i) => ({ img, pack: shape, gt_label: lbls[i] }));
  }
}

registerDataset(MyDateset);
