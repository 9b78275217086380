/**
 * `npm run build`: builds the window, and bundles the engine and its child programs into dist/, laid out as the sources are, so that `programs.ts` finds a child
 * beside itself in both. Packages with native parts, or that look for files of their own, stay outside.
 */
import { chmod, readdir, rm, stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { build as buildPage } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const quiet = process.argv.includes('--quiet');

/** CommonJS packages inside the bundle call `require` for Node's own modules, which an ES module does not have. */
const REQUIRE = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['main/cli.ts', 'main/embedded/server.ts', 'main/embedded/find-gpu.ts', 'main/io/inspect-worker.ts'],
  outbase: '.',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  // Chunks lie beside programs.ts's place: it resolves child programs relative to the file that it ends up in.
  chunkNames: 'main/chunk-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: ['node-llama-cpp'],
  banner: { js: REQUIRE },
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
});
await buildPage({ configFile: `${root}renderer/vite.config.ts` });
// Only what this build did not write goes: an engine that runs from here still finds its children, and what it has not imported yet.
const written = new Set(Object.keys(metafile.outputs));
for (const entry of await readdir(`${root}dist`, { recursive: true, withFileTypes: true })) {
  const file = `${entry.parentPath}/${entry.name}`;
  const isPage = file.startsWith(`${root}dist/renderer/`);
  if (entry.isFile() && !isPage && !written.has(relative(root, file))) await rm(file);
}
await chmod(`${root}dist/main/cli.js`, 0o755);
if (!quiet) {
  const { size } = await stat(`${root}dist/main/cli.js`);
  console.log(`dist/main/cli.js (${size} bytes) and its parts are built.`);
}
