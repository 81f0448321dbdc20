import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Who may import whom: the table in docs/architecture.md. `testing` serves the specs only. */
const boundaries = [
  { sourceTag: 'pkg:registry', onlyDependOnLibsWithTags: ['pkg:testing'] },
  { sourceTag: 'pkg:dynamics', onlyDependOnLibsWithTags: ['pkg:testing'] },
  { sourceTag: 'pkg:kernels', onlyDependOnLibsWithTags: ['pkg:dynamics', 'pkg:testing'] },
  { sourceTag: 'pkg:engine', onlyDependOnLibsWithTags: ['pkg:kernels', 'pkg:dynamics', 'pkg:testing'] },
  {
    sourceTag: 'pkg:neurons',
    onlyDependOnLibsWithTags: ['pkg:engine', 'pkg:dynamics', 'pkg:registry', 'pkg:testing'],
  },
  { sourceTag: 'pkg:formats', onlyDependOnLibsWithTags: ['pkg:testing'] },
  { sourceTag: 'pkg:pipelines', onlyDependOnLibsWithTags: ['pkg:formats', 'pkg:registry', 'pkg:testing'] },
  {
    sourceTag: 'pkg:datasets',
    onlyDependOnLibsWithTags: ['pkg:pipelines', 'pkg:formats', 'pkg:registry', 'pkg:testing'],
  },
  {
    sourceTag: 'pkg:models',
    onlyDependOnLibsWithTags: ['pkg:neurons', 'pkg:engine', 'pkg:registry', 'pkg:testing'],
  },
  { sourceTag: 'pkg:config', onlyDependOnLibsWithTags: ['pkg:registry', 'pkg:testing'] },
  {
    sourceTag: 'pkg:runner',
    onlyDependOnLibsWithTags: [
      'pkg:models',
      'pkg:interop',
      'pkg:datasets',
      'pkg:config',
      'pkg:engine',
      'pkg:formats',
      'pkg:registry',
      'pkg:testing',
    ],
  },
  { sourceTag: 'pkg:testing', onlyDependOnLibsWithTags: ['pkg:formats'] },
  { sourceTag: 'pkg:graph', onlyDependOnLibsWithTags: ['pkg:dynamics', 'pkg:formats', 'pkg:testing'] },
  {
    sourceTag: 'pkg:compile',
    onlyDependOnLibsWithTags: [
      'pkg:graph',
      'pkg:models',
      'pkg:neurons',
      'pkg:engine',
      'pkg:dynamics',
      'pkg:formats',
      'pkg:registry',
      'pkg:testing',
    ],
  },
  {
    sourceTag: 'pkg:sdk-runtime',
    onlyDependOnLibsWithTags: ['pkg:graph', 'pkg:kernels', 'pkg:formats', 'pkg:testing'],
  },
  {
    sourceTag: 'pkg:interop',
    onlyDependOnLibsWithTags: [
      'pkg:models',
      'pkg:neurons',
      'pkg:engine',
      'pkg:formats',
      'pkg:registry',
      'pkg:testing',
    ],
  },
  {
    sourceTag: 'pkg:deploy',
    onlyDependOnLibsWithTags: [
      'pkg:compile',
      'pkg:sdk-runtime',
      'pkg:graph',
      'pkg:runner',
      'pkg:models',
      'pkg:datasets',
      'pkg:pipelines',
      'pkg:config',
      'pkg:engine',
      'pkg:formats',
      'pkg:testing',
    ],
  },
  { sourceTag: 'pkg:cli', onlyDependOnLibsWithTags: ['*'] },
];

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '.nx', '.bidl', 'data', 'work_dirs', 'fixtures'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommended, ...tseslint.configs.stylistic],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: ['^.*/tsup\\.base(\\.js)?$'],
          // The CLI loads packages when a command runs; what such a command imports may be static.
          checkDynamicDependenciesExceptions: ['.*'],
          depConstraints: boundaries,
        },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.spec.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
