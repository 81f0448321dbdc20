/** Shared by every package's jest.config.cjs. Tests read sibling sources through the `@bidl/source` condition. */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironmentOptions: { customExportConditions: ['@bidl/source', 'node', 'node-addons'] },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, sourceMaps: 'inline' },
    ],
  },
  // Every use of a global in jest's sandbox is a call out of it, dear in a loop over numbers: modules get these as arguments.
  sandboxInjectedGlobals: [
    'Math',
    'Number',
    'Array',
    'Object',
    'Map',
    'Set',
    'WeakMap',
    'Float32Array',
    'Float64Array',
    'Int32Array',
    'Uint8Array',
    'Error',
    'Promise',
    'Symbol',
  ],
  testTimeout: 240_000,
};
