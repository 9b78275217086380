/**
 * Builds the window into dist/renderer, which the engine hands out. `main/build.ts` runs it, and
 * writes the hash of each file into index.html.
 */
import { defineConfig } from 'vite';

// biome-ignore lint/style/noDefaultExport: Vite reads the default export of its configuration.
export default defineConfig({
  root: import.meta.dirname,
  // The page is served at the root of whatever address the engine has.
  base: '/',
  logLevel: 'warn',
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    assetsDir: 'assets',
    // The oldest Chromium that the window is tested in: that of Electron 25.
    target: 'chrome114',
    // Everything as files of its own: the policy allows no inline script and no data: font.
    assetsInlineLimit: 0,
    // One style sheet: one that comes later has no hash, and is not asked for again after a
    // failure.
    cssCodeSplit: false,
    modulePreload: { polyfill: false, resolveDependencies: (_file, files, { hostType }) => (hostType === 'html' ? files : []) },
    sourcemap: false,
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      // 'use client' means something to servers that render React, which there are none of here.
      onwarn: (warning, warn) => {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
});
