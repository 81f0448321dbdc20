import { parentPort, workerData } from 'node:worker_threads';

import { recordShare, type Share } from './share.js';

/** Thread entry: records its share, reports progress (a number) and in the end the result. */
const result = recordShare(workerData as Share, (done) => parentPort?.postMessage(done));
parentPort?.postMessage(result);
