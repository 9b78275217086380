/**
 * Where Node keeps what it compiled of our code, so that the next start of a program is shorter. It
 * runs what lies there: only a folder that nobody else can write in will do.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { modeliumFolders } from './folders.ts';
import { whyReplaceable } from './ownership.ts';

/**
 * For this process, and by its environment for the programs that it starts. Node's own default is a
 * folder in the common temporary one, which another user can make first and fill with code.
 */
export async function keepCompiledCode(): Promise<void> {
  // Node has done so itself.
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return;
  const folder = join(modeliumFolders().cache, 'compiled');
  try {
    if (!(await isOurs(folder))) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // What was not there may have been made by somebody else meanwhile.
    if (!(await isOurs(folder))) return;
  } catch {
    // Without it each start compiles anew.
    return;
  }
  enableCompileCache(folder);
  process.env['NODE_COMPILE_CACHE'] = folder;
}

/** Where there is none yet, the folder that it would be made in. */
async function isOurs(folder: string): Promise<boolean> {
  return existsSync(folder) || folder === '/' ? (await whyReplaceable(folder)) === null : await isOurs(dirname(folder));
}
