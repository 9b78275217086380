/**
 * Which files would run code, or be unpickled, if a form were loaded: the list that trust is given for (design 13). One table by name; what only
 * the content of a file tells (ONNX's operators, a configuration's words) is handed in by who read it. Pure.
 */
import { confined } from './file-names.ts';

/** Python, native libraries, and pickles under all their names. */
const CODE = /\.(?:py|pyc|pyd|so(?:\.\d+)*|dll|dylib|pkl|pickle|joblib|dill|pt|pth|ckpt|jit|torchscript)$/i;
/** PyTorch's pickles are called so, and OpenVINO's plain weights. */
const BIN = /\.bin$/i;
/** Files that say what to import, where they name code that lies elsewhere. */
const ENVIRONMENT = /\.(?:tar\.gz|tgz|tar|zip)$/i;

/** What PyTorch's own loaders unpickle by name, whatever lies beside it. */
const PYTORCH_BIN = /(?:pytorch|adapter)_model[^/]*\.bin$/i;
const NONE: ReadonlySet<string> = new Set();

/**
 * Files whose names alone say that they are code or pickles.
 * @param plainWeights each `.bin` that the reader of OpenVINO's pairs found to be weights: those are not.
 */
export function codeFilesByName(paths: readonly string[], plainWeights = NONE): readonly string[] {
  return paths.filter((path) => CODE.test(path) || (BIN.test(path) && (PYTORCH_BIN.test(path) || !plainWeights.has(path))));
}

/**
 * What loading from Hugging Face's files would run: code and pickles by name, and each JSON that names code (`auto_map`, modules of another
 * package), which may lie in another repository: then the file that names it is what has to be trusted.
 * @param naming paths of the JSONs that do.
 */
export function codeFilesOfFolder(paths: readonly string[], naming: readonly string[], plainWeights = NONE): readonly string[] {
  return [...new Set([...naming, ...codeFilesByName(paths, plainWeights)])];
}

/** What a model folder makes Triton run. */
export function codeFilesOfTriton(
  paths: readonly string[],
  config: { readonly runtime: string | null; readonly parameters: ReadonlyMap<string, string>; readonly steps: readonly string[] },
  backend: string | null,
  plainWeights: ReadonlySet<string>,
): readonly string[] {
  const found = new Set(codeFilesByName(paths, plainWeights));
  for (const path of paths) if (/\.(?:plan|engine|trt)$/i.test(path)) found.add(path);
  const environment = config.parameters.get('EXECUTION_ENV_PATH');
  // A backend that is not one of Triton's own comes from the folder; an environment may lie anywhere: what names it has to be trusted.
  if (config.runtime !== null || environment !== undefined || backend === 'python') found.add('config.pbtxt');
  if (environment !== undefined) for (const path of paths) if (ENVIRONMENT.test(path)) found.add(path);
  const runtime = config.runtime === null ? null : confined('', config.runtime);
  for (const path of paths) if (runtime !== null && path.endsWith(runtime)) found.add(path);
  return paths.filter((path) => found.has(path));
}
