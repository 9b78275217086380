import { defineConfig } from 'vitest/config';
import { builtChildren } from './helpers/built-app.ts';

// Two workers: the machines we promise to pass on have two cores, and llama.cpp's threads spin.
// biome-ignore lint/style/noDefaultExport: Vitest reads the default export of its configuration.
export default defineConfig({
  plugins: [builtChildren],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/runtimes/**'],
    globalSetup: ['test/helpers/built.ts'],
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 120_000,
    globals: false,
  },
});
