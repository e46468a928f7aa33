import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist/**', 'cores/**/*.mjs', 'cores/**/*.cjs', 'test/**/*.mjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: new URL('..', import.meta.url).pathname } },
    rules: {
      'no-console': 'error',
      'max-lines': ['error', 500],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
    },
  },
  // Column code indexes typed arrays whose bounds the loop itself proves.
  { files: ['src/graph/**', 'src/bytes/**', 'src/v8/**', 'src/snapshot/**', 'src/analysis/accumulations.ts', 'src/analysis/held-*.ts', 'src/session/source-graph.ts', 'test/**', 'cores/**'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  { files: ['test/**', 'cores/**'], rules: { 'no-console': 'off' } },
);
