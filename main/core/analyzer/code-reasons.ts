/**
 * Why a file counts as code, for the person who has to decide about it. Wording only: which files
 * do is the analyzer's finding. Pure.
 */
import type { FormKind } from '../../../shared/profile.ts';

const BY_NAME: readonly (readonly [name: RegExp, why: string])[] = [
  [/\.py$/i, 'Python, which the runtime imports when it loads the model'],
  [/\.(?:so|dll|dylib)(?:\.\d+)*$/i, 'a native library, which the runtime loads'],
  [/\.(?:plan|engine)$/i, 'a TensorRT plan: compiled code, with plugins that it may name'],
  [/\.(?:bin|pt|pth|pkl|pickle|ckpt|joblib|npy)$/i, 'a pickle: reading it runs what it says'],
  [/\.(?:pt2|mar)$/i, 'an archive that may hold pickles and compiled code'],
  [/\.onnx$/i, 'a graph with operators that need a library of their own'],
  [/(?:^|\/)config\.pbtxt$/i, 'names a backend, a library or an environment that Triton runs'],
  [/(?:^|\/)modules\.json$/i, 'names Python classes that are imported when it is loaded'],
  [/(?:^|\/)model_index\.json$/i, 'names a pipeline of its own, which is imported when it is loaded'],
  [/\.json$/i, 'names code to import (auto_map)'],
  [/\.(?:tar\.gz|tgz|zip)$/i, 'a packed environment, which is unpacked and run'],
];

export function whyCode(path: string, form: FormKind): string {
  return BY_NAME.find(([name]) => name.test(path))?.[1] ?? `part of what a runtime executes of the form ${form}`;
}
