import { defineConfig, type Options } from 'tsup';

/** The one build recipe: ESM + CJS + types of `src/index.ts`. Packages with further entries pass them in. */
export const base = (extra: Options = {}) =>
  defineConfig({
    entry: ['src/index.ts'],
    format: ['esm', 'cjs'],
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    clean: true,
    shims: true,
    tsconfig: 'tsconfig.json',
    // Types are checked once for the whole repository, by `npm run typecheck`; here they are only written down.
    dts: { compilerOptions: { customConditions: [], ignoreDeprecations: '6.0', noCheck: true } },
    ...extra,
  });
