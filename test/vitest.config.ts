import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { builtChildren } from './helpers/built-app.ts';
import { LongestFirst } from './helpers/longest-first.ts';

const QUIET = 'test/latency.test.ts';

// Six workers: the machines we promise to pass on have two cores, and most of a test's time is
// waiting for other processes. The modules are read once for all files of a worker, which saves a
// minute.
// biome-ignore lint/style/noDefaultExport: Vitest reads the default export of its configuration.
export default defineConfig({
  plugins: [builtChildren],
  test: {
    projects: [
      { extends: true, test: { name: 'together', include: ['test/**/*.test.ts'], exclude: ['test/runtimes/**', QUIET] } },
      // With nothing beside it: it compares the paces of streams.
      { extends: true, test: { name: 'quiet', include: [QUIET], sequence: { groupOrder: 1 } } },
    ],
    globalSetup: ['test/helpers/built.ts'],
    maxWorkers: 6,
    // Engines at once, of tests side by side: no more than the cores start within the time that
    // tests wait.
    maxConcurrency: 3,
    isolate: false,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globals: false,
    // As long as other waits, and far longer than anything takes: a wait ends what hangs, and
    // compares nothing. What a page shows comes when the cores have time for it.
    expect: { poll: { interval: 100, timeout: 60_000 } },
    // The engines that tests start have folders of their own: without this each compiles anew.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)) },
  },
});
