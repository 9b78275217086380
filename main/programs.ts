/**
 * Where our child programs and the page lie: beside this file, as sources with `.ts`, in the bundle
 * (which keeps this layout) with `.js`. The one place that knows, because a bundle moves every
 * other file's `import.meta.url`.
 */
import { fileURLToPath } from 'node:url';
import { outsideArchive } from './packaged.ts';

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

function beside(name: string): string {
  return outsideArchive(fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url)));
}

export const programs = {
  /** Serves one model with llama.cpp. */
  embeddedServer: beside('embedded/server'),
  /** Makes a GGUF of a Hugging Face folder. */
  convert: beside('embedded/convert/program'),
  /** Says whether llama.cpp can use the GPUs here. */
  findGpu: beside('embedded/find-gpu'),
  /** Looks into large bodies of requests: a thread, not a process. */
  largeJson: beside('io/large-json-program'),
  /** Reads people's files for the engine. */
  reader: beside('file-reader'),
  /** The Python that a Ray cluster is given: a folder. */
  rayApp: outsideArchive(fileURLToPath(new URL('./runtime/ray/app', import.meta.url))),
  /** The built window: a folder, beside the bundled engine or in the checkout's dist. */
  page: fileURLToPath(new URL(extension === 'ts' ? '../dist/renderer' : '../renderer', import.meta.url)),
} as const;

/** The folder with package.json: what Electron takes as an app, once it is built. */
export const appFolder = fileURLToPath(new URL(extension === 'ts' ? '..' : '../..', import.meta.url));
