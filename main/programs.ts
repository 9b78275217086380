/**
 * The paths of our child programs and of the page: next to this file, `.ts` in a checkout and `.js`
 * in the bundle, which keeps the layout. Only this file computes them, because bundling changes
 * `import.meta.url` of every other file.
 */
import { fileURLToPath } from 'node:url';
import { outsideArchive } from './packaged.ts';

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

function beside(name: string): string {
  return outsideArchive(fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url)));
}

/** Of a package; the build puts it beside the thread that uses it. */
function decoder(file: string): string {
  const place = extension === 'ts' ? `../node_modules/${file}` : `./io/images/${file.split('/').at(-1)}`;
  return outsideArchive(fileURLToPath(new URL(place, import.meta.url)));
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
  /** Makes tensors of images: a thread, too. */
  images: beside('io/images/image-program'),
  /** Makes JSON of large tensors: a thread. */
  answers: beside('answer-program'),
  /** Reads and edits long settings: a thread. */
  settings: beside('io/settings/settings-program'),
  /** What decodes images: WebAssembly, of packages. */
  imageDecoders: {
    png: decoder('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'),
    jpeg: decoder('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
  },
  /** Reads people's files for the engine. */
  reader: beside('file-reader'),
  /** The Python that a Ray cluster is given: a folder. */
  rayApp: outsideArchive(fileURLToPath(new URL('./runtime/ray/app', import.meta.url))),
  /** The built window: a folder, beside the bundled engine or in the checkout's dist. */
  page: fileURLToPath(new URL(extension === 'ts' ? '../dist/renderer' : '../renderer', import.meta.url)),
} as const;

/** The folder with package.json: what Electron takes as an app, once it is built. */
export const appFolder = fileURLToPath(new URL(extension === 'ts' ? '..' : '../..', import.meta.url));
