/**
 * The table of files that would run code, or be unpickled, if a form were loaded. Users give trust
 * for this list. It goes by file names; findings from file content (ONNX's operators, a field of a
 * configuration) are passed in by the readers. Pure.
 */

/** Python, native libraries, and pickles under all their names. */
const CODE = /\.(?:py|pyc|pyd|so(?:\.\d+)*|dll|dylib|pkl|pickle|joblib|dill|pt|pth|ckpt|jit|torchscript)$/i;
/** PyTorch's pickles are called so, and OpenVINO's plain weights. */
const BIN = /\.bin$/i;
/** TensorRT's engines. */
const ENGINE = /\.(?:plan|engine|trt)$/i;
/** Packed environments: what to import, and from where. */
const ENVIRONMENT = /\.(?:tar\.gz|tgz|tar|zip)$/i;

/** What PyTorch's own loaders unpickle by name, whatever lies beside it. */
const PYTORCH_BIN = /(?:pytorch|adapter)_model[^/]*\.bin$/i;
/** All that is loaded by unpickling, or may be. */
const PICKLE = /\.(?:bin|pkl|pickle|joblib|dill|pt|pth|ckpt|jit|torchscript)$/i;
const NONE: ReadonlySet<string> = new Set();

export function isPickle(path: string): boolean {
  return PICKLE.test(path);
}

/**
 * Files whose names alone say that they are code or pickles.
 * @param plainWeights each `.bin` that the reader of OpenVINO's pairs found to be weights: those
 * are not.
 */
export function codeFilesByName(paths: readonly string[], plainWeights = NONE): readonly string[] {
  return paths.filter((path) => CODE.test(path) || (BIN.test(path) && (PYTORCH_BIN.test(path) || !plainWeights.has(path))));
}

/**
 * What loading from Hugging Face's files would run: code and pickles by name, and each JSON that
 * names code (`auto_map`, modules of another package), which may lie in another repository: then
 * the file that names it is what has to be trusted.
 * @param naming paths of the JSONs that do.
 */
export function codeFilesOfFolder(paths: readonly string[], naming: readonly string[], plainWeights = NONE): readonly string[] {
  return [...new Set([...naming, ...codeFilesByName(paths, plainWeights)])];
}

/** What the words of a Triton folder say of code. */
export interface TritonCode {
  /** config.pbtxt names what is run, and so has to be trusted itself. */
  readonly isNaming: boolean;
  /** It names an environment, which may be packed. */
  readonly hasEnvironment: boolean;
  /** Paths of files, or of folders of which every file counts. */
  readonly named: ReadonlySet<string>;
  /** Ends of paths: libraries that lie in a version, or beside it. */
  readonly libraries: ReadonlySet<string>;
}

/** What a model folder makes Triton run. */
export function codeFilesOfTriton(paths: readonly string[], code: TritonCode, plainWeights: ReadonlySet<string>): readonly string[] {
  const byName = new Set(codeFilesByName(paths, plainWeights));
  return paths.filter((path) => {
    if (byName.has(path) || ENGINE.test(path) || (code.isNaming && path === 'config.pbtxt')) return true;
    const parts = path.split('/');
    return (
      (code.hasEnvironment && ENVIRONMENT.test(path)) ||
      parts.some((_part, at) => code.named.has(parts.slice(0, at + 1).join('/')) || code.libraries.has(parts.slice(at).join('/')))
    );
  });
}
