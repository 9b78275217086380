/**
 * Reads the built window from disk, each file on request, because most engines run without an open
 * window.
 */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { PageFiles } from '../core/gateway.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Plain names in plain folders: nothing that could lead out of the window's own. */
const NAME = /^(?:[\w-][\w.-]*\/)?[\w-][\w.-]*$/;

/** @param folder where the build put the window; it need not exist. */
export function createPageFiles(folder: string): PageFiles {
  return {
    async read(name) {
      const contentType = CONTENT_TYPES[extname(name)];
      if (contentType === undefined || !NAME.test(name)) return null;
      try {
        return { contentType, bytes: await readFile(join(folder, name)) };
      } catch (thrown) {
        if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String((thrown as NodeJS.ErrnoException).code))) return null;
        throw thrown;
      }
    },
  };
}
