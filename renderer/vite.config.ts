/**
 * Builds the window into dist/renderer, which the engine hands out. `main/build.ts` runs it, and
 * writes the hash of each file into index.html.
 */
import { defineConfig, type Plugin } from 'vite';

/**
 * One file of words for people, and for browsers a module for each of its groups: so each part of
 * the window brings its own words, and the first view none of the others'.
 */
function wordsByGroup(): Plugin {
  const FILE = /\/texts\.ts$/;
  const GROUP = /^export const (\w+) = \{\n[\s\S]*?^\};\n/gm;
  return {
    name: 'words-by-group',
    enforce: 'pre',
    transform(code, id) {
      const [file = '', wanted] = id.split('?group=');
      if (!FILE.test(file)) return null;
      const groups = [...code.matchAll(GROUP)];
      const whole = groups.map(([, name]) => `export { ${name} } from './texts.ts?group=${name}';`).join('\n');
      return { code: groups.find(([, name]) => name === wanted)?.[0] ?? whole, moduleSideEffects: false };
    },
  };
}

// biome-ignore lint/style/noDefaultExport: Vite reads the default export of its configuration.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [wordsByGroup()],
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
