/**
 * Implements the port `MachineFiles`, through which runtimes search this machine: file names, stats
 * and bounded reads. Executes and writes nothing.
 */
import { constants } from 'node:fs';
import { access, open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MachineFiles } from '../../core/machine-files.ts';
import { whyReplaceable } from '../ownership.ts';
import { packedFolder } from './packed-folder.ts';

export const machineFiles: MachineFiles = {
  stats: (paths) =>
    Promise.all(
      paths.map(async (path) => {
        const found = await stat(path).catch(() => null);
        if (found === null) return null;
        const isExecutable = await access(path, constants.X_OK).then(
          () => true,
          () => false,
        );
        return { isFile: found.isFile(), isExecutable, bytes: found.size, inode: found.ino, mtimeMs: found.mtimeMs };
      }),
    ),
  names: async (folder) => (await readdir(folder).catch(() => [])).toSorted().map((name) => join(folder, name)),
  read,
  whyNotOwn: (path) => whyReplaceable(path).catch(() => null),
  real: (path) => realpath(path).catch(() => null),
  async pack(folder, packing) {
    const { sha1, bytes } = await packedFolder(folder, packing);
    return { sha1, bytes };
  },
  async packageFolder(name) {
    try {
      const main = fileURLToPath(import.meta.resolve(name));
      const end = main.lastIndexOf(`/node_modules/${name}/`);
      return end < 0 ? dirname(main) : main.slice(0, end + `/node_modules/${name}`.length);
    } catch {
      return null;
    }
  },
};

async function read(path: string, mostBytes: number, isCut: boolean): Promise<string | null> {
  // Opening a pipe would wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    const found = await file.stat();
    // Files of /proc say that they are empty.
    if (!found.isFile() || (!isCut && found.size > mostBytes)) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(found.size === 0 ? mostBytes : Math.min(mostBytes, found.size)), 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return null;
  } finally {
    await file.close();
  }
}
