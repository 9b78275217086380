/** Before all tests: the build, so that a browser gets the window of these very sources, and Electron its bundles. Takes two seconds. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function setup(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../main/build.ts', import.meta.url)), '--quiet'], { stdio: 'inherit' });
}
