/**
 * The sentences that tell a user why a file counts as code. Wording only; the analyzer finds the
 * files. Pure.
 */
import type { FormKind } from '../../../shared/profile.ts';

const BY_NAME: readonly (readonly [name: RegExp, why: string])[] = [
  [/\.py$/i, 'Python, which the runtime imports when it loads the model'],
  [/\.(?:so|dll|dylib)(?:\.\d+)*$/i, 'a native library, which the runtime loads'],
  [/\.(?:plan|engine)$/i, 'a TensorRT plan: compiled code, with plugins that it may name'],
  [/\.(?:bin|pt|pth|pkl|pickle|ckpt|joblib|npy)$/i, 'a pickle: reading it runs the code in it'],
  [/\.(?:pt2|mar)$/i, 'an archive that may hold pickles and compiled code'],
  [/\.onnx$/i, 'a graph with operators that need a library of their own'],
  [/(?:^|\/)config\.pbtxt$/i, 'names a backend, a library or an environment that Triton runs'],
  [/(?:^|\/)modules\.json$/i, 'names Python classes that are imported when it is loaded'],
  [/(?:^|\/)model_index\.json$/i, 'names its own pipeline class, which is imported when the model is loaded'],
  [/\.json$/i, 'names code to import (auto_map)'],
  [/\.(?:tar\.gz|tgz|zip)$/i, 'a packed environment, which is unpacked and run'],
];

export function whyCode(path: string, form: FormKind): string {
  return BY_NAME.find(([name]) => name.test(path))?.[1] ?? `executed by a runtime that loads the form ${form}`;
}
