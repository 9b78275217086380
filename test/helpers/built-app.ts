/**
 * The app as it was built (helpers/built.ts builds it before the first test). Tests start it in the
 * place of its sources: it is what people run, and each of its processes starts in a fraction of
 * the time, because Node need not strip types.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where `main/programs.ts` is in the bundle: the built children lie beside it. */
const BUILT_PROGRAMS = new URL('../../dist/main/programs.js', import.meta.url);

function built(name: string): string {
  return fileURLToPath(new URL(`../../dist/main/${name}.js`, import.meta.url));
}

/** For Vitest's configuration: an engine that runs inside a test starts the built children, too. */
export const builtChildren = {
  name: 'built children',
  enforce: 'pre',
  transform: (code: string, id: string) =>
    id.endsWith('/main/programs.ts') ? code.replaceAll('import.meta.url', JSON.stringify(BUILT_PROGRAMS.href)) : undefined,
} as const;

export const BUILT_COMMAND = built('cli');
export const BUILT_SERVER = built('embedded/server');
export const BUILT_READER = pathToFileURL(built('file-reader'));
