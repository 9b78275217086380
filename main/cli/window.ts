/**
 * Checks whether the window can be opened here, and opens it as a separate process. The window
 * finds or hosts its engine itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { appFolder } from '../programs.ts';
import { printAside } from './output.ts';

/** What starts the window, or why nothing does and what to do about it, as a sentence. */
export type WindowProgram = { readonly command: string; readonly args: readonly string[] } | { readonly why: string };

export function findWindow(environment: NodeJS.ProcessEnv = process.env, isRoot: boolean = process.getuid?.() === 0): WindowProgram {
  const isSet = (name: string): boolean => (environment[name] ?? '') !== '';
  if (process.platform === 'linux' && !isSet('DISPLAY') && !isSet('WAYLAND_DISPLAY')) {
    return { why: 'There is no display here: DISPLAY and WAYLAND_DISPLAY are not set.' };
  }
  // Electron's own name for it; Chromium wants root to say it on the command line.
  if (isRoot && !isSet('ELECTRON_DISABLE_SANDBOX')) {
    return { why: "Chromium's sandbox does not run as root: use another user, or set ELECTRON_DISABLE_SANDBOX=1 to go without it." };
  }
  const switches = isRoot ? ['--no-sandbox'] : [];
  // Packaged: the binary that runs us is the window's.
  if ('electron' in process.versions) return { command: process.execPath, args: switches };
  if (!existsSync(join(appFolder, 'dist/main/electron/main.cjs'))) return { why: 'The window is not built: `npm run build` does it.' };
  const command = electronBinary(environment['ELECTRON_OVERRIDE_DIST_PATH']);
  if (command === null || !existsSync(command)) return { why: "Electron's binary is not here: `npx install-electron` fetches it." };
  return { command, args: [...switches, appFolder] };
}

/**
 * Where npm's `electron` would find it. That package itself is not asked: it downloads what is
 * missing.
 */
function electronBinary(override: string | undefined): string | null {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
    const pathFile = join(folder, 'path.txt');
    const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : null;
    if ((override ?? '') !== '') return join(override ?? '', name ?? 'electron');
    return name === null ? null : join(folder, 'dist', name);
  } catch {
    return null;
  }
}

/**
 * Starts it on a state folder. @param stdio `ignore` where Chromium's words would stand in the
 * middle of ours.
 */
export function spawnWindow(
  { command, args }: Extract<WindowProgram, { readonly command: string }>,
  stateFolder: string,
  stdio: 'inherit' | 'ignore',
): ChildProcess {
  const { ELECTRON_RUN_AS_NODE: _, ...environment } = process.env;
  return spawn(command, [...args, '--state-folder', stateFolder], { stdio, env: environment });
}

/**
 * `modelium` without a verb. @returns the window's exit code; where there can be no window it
 * serves, and says why.
 */
export async function window(stateFolder: string): Promise<number> {
  const found = findWindow();
  if ('why' in found) {
    printAside(`${found.why} Serving without a window, as \`modelium serve\` does.`);
    const { serve } = await import('./serve.ts');
    return serve({ stateFolder });
  }
  // Ctrl-C reaches the window as well, and twice would end it at once; what is sent to us alone is
  // handed on. Before the window starts: a signal just after would end us, and leave it behind.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const child = spawnWindow(found, stateFolder, 'inherit');
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (signal !== null) printAside(`The window ended with ${signal}. \`modelium serve\` works without it.`);
      resolve(code ?? 1);
    });
  });
}
