import { createLoader } from '@bidl/datasets';
import { folder } from './dataset.mjs';
const loader = await createLoader({ dataset: { type:'NMNIST', data_prefix: folder+'/Test', pipeline: [ { type: 'LoadEvents' }, { type: 'EventsToFrames', T: 10, split_by: 'number', height: 34, width: 34 }, { type: 'Collect', keys: ['img', 'gt_label'] }]}, batchSize: 16, workers: 0 });
for (let k=0;k<8;k++){ const t=performance.now(); for await (const b of loader.epoch(0)) b.release(); console.log((performance.now()-t).toFixed(0)); }
for (let k=0;k<6;k++){ await new Promise(r=>setTimeout(r,1500)); const t=performance.now(); for await (const b of loader.epoch(0)) b.release(); console.log('after pause',(performance.now()-t).toFixed(0)); }
await loader.close();
