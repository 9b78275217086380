/**
 * The built app for tests that start it or its window: built before the first test where it is
 * older than its sources.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const BUILD = join(ROOT, 'main/build.ts');
const SOURCES = ['main', 'renderer', 'shared'];

/** A build's last step sets the mode of cli.js: the time of that change is when all was written. */
function isBuilt(): boolean {
  const builtMs = statSync(join(ROOT, 'dist/main/cli.js'), { throwIfNoEntry: false })?.ctimeMs ?? 0;
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(ROOT, folder, name)),
  );
  return files.every((file) => statSync(file).mtimeMs <= builtMs);
}

/**
 * Vitest's set-up before all tests: a browser gets the window of these very sources, and Electron
 * its bundles.
 */
export function setup(): void {
  if (!isBuilt()) execFileSync(process.execPath, [BUILD, '--quiet'], { stdio: 'inherit' });
}
