import { train } from '../train.js';
import { tinyConfig } from './clips.js';

// For the spec that kills a run: `train-child.ts WORK_DIR [RESUME_FROM]`. Says when each iteration is done.
const [workDir, resumeFrom] = process.argv.slice(2);
await train(tinyConfig(), {
  workDir,
  resumeFrom,
  reporter: { onIter: ({ epoch, iter }) => process.stdout.write(`iteration ${epoch}.${iter}\n`) },
});
