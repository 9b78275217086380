/**
 * `npm run build`: builds the page, and bundles the engine and its child programs into dist/. The
 * bundle keeps the folder layout of the sources, so that `programs.ts` finds each child next to
 * itself in both. The window's main process and preload are bundled as CommonJS, because a
 * sandboxed preload must be CommonJS and every Electron version loads it.
 */
import { createHash } from 'node:crypto';
import { chmod, cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { build as buildPage } from 'vite';
import { boundPage, needsHash } from './bound-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const quiet = process.argv.includes('--quiet');

/** Native parts, and what only programs of the packages themselves ask for: found at run time. */
const OUTSIDE = ['@node-llama-cpp/*', '@reflink/*', 'electron'];
/**
 * The one package that package.json calls a dependency, and that is shipped: it looks for files and
 * native parts beside its own. What it is as a program is bundled all the same, because to import
 * its seven hundred files takes three times as long as to load a small model; each of its files
 * goes on to say that it lies in the package.
 */
const llamaCpp: Plugin = {
  name: 'node-llama-cpp',
  setup: ({ onLoad }) =>
    onLoad({ filter: /node_modules[\\/]node-llama-cpp[\\/]dist[\\/].*\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const place = JSON.stringify(path.replaceAll('\\', '/').split('/node-llama-cpp/dist/').at(-1));
      return { contents: text.replaceAll('import.meta.url', `new URL(${place}, import.meta.resolve('node-llama-cpp')).href`) };
    }),
};
/**
 * An ES module that imports Node's http gets each name that it exports, and some of them are made
 * when they are looked at: Node then loads the whole of its own fetch, 45 ms at each start of each
 * program. Here only what is used is looked at.
 */
const nodeHttp: Plugin = {
  name: 'node-http',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^(node:)?http$/, namespace: 'file' }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'node:http', namespace: 'node-http' } : null,
    );
    onLoad({ filter: /.*/, namespace: 'node-http' }, () => ({ contents: "module.exports = process.getBuiltinModule('node:http');" }));
  },
};
/**
 * CommonJS packages inside the bundle call `require` for Node's own modules, which an ES module
 * does not have.
 */
const REQUIRE = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const COMMON = {
  absWorkingDir: root,
  outbase: '.',
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  metafile: true,
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
} as const satisfies BuildOptions;

const engine = await build({
  ...COMMON,
  entryPoints: [
    'main/cli.ts',
    'main/engine/engine.ts',
    'main/embedded/server.ts',
    'main/embedded/requests/template-worker.ts',
    'main/embedded/find-gpu.ts',
    'main/embedded/convert/program.ts',
    'main/file-reader.ts',
    'main/answer-program.ts',
    'main/io/large-json-program.ts',
    'main/io/images/image-program.ts',
    'main/io/settings/settings-program.ts',
  ],
  splitting: true,
  // Chunks lie beside programs.ts's place: it resolves child programs relative to the file that it
  // ends up in.
  chunkNames: 'main/chunk-[hash]',
  format: 'esm',
  target: 'node24',
  external: OUTSIDE,
  plugins: [llamaCpp, nodeHttp],
  banner: { js: REQUIRE },
});
const window = await build({
  ...COMMON,
  entryPoints: ['main/electron/main.ts', 'main/electron/preload.ts'],
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  // Also the Node of the Electron that the tests have.
  target: 'node18',
  external: ['electron'],
});
/** Files that are taken as they are. */
const ASSETS = ['main/electron/starting.html', 'main/electron/icons', 'main/runtime/ray/app'];
for (const asset of ASSETS)
  await cp(`${root}${asset}`, `${root}dist/${asset}`, { recursive: true, filter: (path) => !path.endsWith('__pycache__') });
/** Of packages that are bundled: what their code reads beside itself. */
const PARTS = ['@jsquash/png/codec/pkg/squoosh_png_bg.wasm', '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'];
const partFile = (part: string): string => `dist/main/io/images/${part.split('/').at(-1)}`;
for (const part of PARTS) await cp(`${root}node_modules/${part}`, `${root}${partFile(part)}`);
// Whoever builds from a test has NODE_ENV=test, and would get React's development build.
process.env['NODE_ENV'] = 'production';
await buildPage({ configFile: `${root}renderer/vite.config.ts` });
await bindPage(`${root}dist/renderer`);
// Only what this build did not write goes: an engine that runs from here still finds its children,
// and what it has not imported yet.
const written = new Set([engine, window].flatMap(({ metafile }) => Object.keys(metafile.outputs)));
const isAsset = (file: string): boolean =>
  file.startsWith('dist/renderer/') ||
  PARTS.some((part) => file === partFile(part)) ||
  ASSETS.some((asset) => file.startsWith(`dist/${asset}`));
for (const entry of await readdir(`${root}dist`, { recursive: true, withFileTypes: true })) {
  const file = `${entry.parentPath}/${entry.name}`;
  if (entry.isFile() && !written.has(relative(root, file)) && !isAsset(relative(root, file))) await rm(file);
}
await chmod(`${root}dist/main/cli.js`, 0o755);
if (!quiet) {
  const { size } = await stat(`${root}dist/main/cli.js`);
  console.log(`dist/main/cli.js (${size} bytes) and its parts are built.`);
}

/**
 * Binds every file of the page to index.html by its hash: what is fetched later, when another
 * program may hold the engine's port, runs only as it was built.
 */
async function bindPage(folder: string): Promise<void> {
  const hashes = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`;
    const file = relative(folder, path);
    if (!entry.isFile() || file === 'index.html' || !needsHash(file)) continue;
    const hash = createHash('sha384').update(await readFile(path));
    hashes.set(`/${file}`, `sha384-${hash.digest('base64')}`);
  }
  await writeFile(`${folder}/index.html`, boundPage(await readFile(`${folder}/index.html`, 'utf8'), hashes));
}
