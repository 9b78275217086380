/** The built app for tests that start it: built where it is older than its sources, once, whatever number of test files wants it. */
import { spawnSync } from 'node:child_process';
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

/** One at a time, and looked at again under the lock: nobody builds anew what another test has started already. */
export function buildApp(): void {
  if (isBuilt()) return;
  const { status, stderr } = spawnSync('flock', [BUILD, process.execPath, import.meta.filename], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The build failed: ${stderr}`);
}

if (import.meta.main && !isBuilt()) {
  process.exitCode = spawnSync(process.execPath, [BUILD, '--quiet'], { stdio: 'inherit' }).status ?? 1;
}
