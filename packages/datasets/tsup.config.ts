import { base } from '../../tsup.base.js';

/** The two worker entries lie beside the bundle, where `threadEntry` looks for them. */
export default base({
  entry: {
    index: 'src/index.ts',
    worker: 'src/loader/worker.ts',
    'make-worker': 'src/event-digits/make-worker.ts',
  },
});
