import type { Options } from 'tsup';
import { base } from '../../tsup.base.js';

/** ES modules have no `require` of their own. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;
const TFJS = /^@tensorflow\/tfjs$/;

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/**
 * TensorFlow.js is CommonJS. Importing it makes Node read all of it once more, only to learn its export names: half of the
 * time it takes to load. The ESM build requires it instead; it is the same instance either way.
 */
const requireTfjs: Plugin = {
  name: 'require-tfjs',
  setup(build) {
    const esm = build.initialOptions.format === 'esm';
    build.onResolve({ filter: TFJS }, ({ path, namespace }) =>
      esm && namespace === 'file' ? { path, namespace: 'required' } : { path, external: true },
    );
    build.onLoad({ filter: TFJS, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
  },
};

export default base({
  entry: ['src/index.ts', 'src/install/index.ts'],
  noExternal: [TFJS], // what is external never reaches the plugin
  esbuildPlugins: [requireTfjs],
  banner: ({ format }) => (format === 'esm' ? { js: REQUIRE } : {}),
});
