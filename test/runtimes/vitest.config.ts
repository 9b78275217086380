import { defineConfig } from 'vitest/config';
import { builtChildren } from '../helpers/built-app.ts';

// What needs Python: real runtimes and libraries, installed by test/runtimes/setup into a cache
// folder outside the project.
// biome-ignore lint/style/noDefaultExport: Vitest reads the default export of its configuration.
export default defineConfig({
  plugins: [builtChildren],
  test: {
    globalSetup: ['test/helpers/built.ts'],
    include: ['test/runtimes/**/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    globals: false,
  },
});
