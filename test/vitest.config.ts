import { defineConfig } from 'vitest/config';
import { builtChildren } from './helpers/built-app.ts';

// Three workers on two cores: most tests wait for other processes half of their time.
// biome-ignore lint/style/noDefaultExport: Vitest reads the default export of its configuration.
export default defineConfig({
  plugins: [builtChildren],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/runtimes/**'],
    globalSetup: ['test/helpers/built.ts'],
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    globals: false,
  },
});
