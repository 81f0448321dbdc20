import { base } from '../../tsup.base.js';

/**
 * The entries of worker threads, beside the bundle, where `threadEntry` looks for them. Each is one file with all that it
 * needs: a thread loads in a third of the time so, and every run starts several.
 */
export default base({
  entry: { worker: 'src/loader/worker.ts', 'make-worker': 'src/event-digits/make-worker.ts' },
  format: ['cjs'],
  noExternal: [/^(?!jiti$|mnist)/],
  splitting: false,
  dts: false,
  clean: false,
});
