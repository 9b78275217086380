/**
 * Finds the code that a model folder makes Triton load: files that its config.pbtxt names, which
 * must be inside the folder, and files whose content names code. The result goes into the list of
 * `code-files.ts`. Pure and bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { FormatError } from './bytes.ts';
import type { TritonCode } from './code-files.ts';
import { confined, shown } from './file-names.ts';
import { type CandidateFile, isDamaged, isMissing } from './findings.ts';
import { jsonOf } from './json-files.ts';
import { readOnnxFiles } from './onnx-folder.ts';
import { readOpenVinoPairs } from './openvino-folder.ts';
import type { TritonConfig } from './triton.ts';

const CONFIG = 'config.pbtxt';
/** Far more than there are kinds of GPUs, or libraries with operators. */
const MAX_NAMES = 64;
const MODEL_FOLDER = '$$TRITON_MODEL_DIRECTORY/';
/** Every folder that Triton might take for a version, however large its number. */
const ANY_VERSION = /^\d+\//;
/**
 * Of these backends the files are read, where they have their usual names: what is code in them is
 * told by their readers.
 */
const READ_BY_US: Readonly<Record<string, RegExp>> = { onnxruntime: /\.onnx$/i, openvino: /\.(?:xml|onnx)$/i };
/** Backends that run what their model file says, whatever it is called. */
const RUNS_ITS_FILE = new Set(['python', 'pytorch', 'tensorrt']);
/** Arguments of vLLM's engine that make it import code of somebody else. */
const VLLM_CODE = /^(?:trust_remote_code|\w*worker\w*_cls|scheduler_cls|logits_processors?|logits_processor_pattern|\w*plugins?)$/;

/**
 * Names that lead out of the folder, or to what is not listed there: it could change without
 * anybody noticing. Null when there is none.
 */
export function strayNames(config: TritonConfig): FileProblem | null {
  const { defaultModelFile, modelFiles, runtime, libraries, backend } = config;
  if (modelFiles.length > MAX_NAMES || libraries.length > MAX_NAMES) {
    return isDamaged(CONFIG, 0, `${CONFIG} names more than ${MAX_NAMES} files: no model has as many.`);
  }
  // An empty name is none, as everywhere in protocol buffers.
  const names = [defaultModelFile, runtime, ...modelFiles, ...libraries].filter((name) => name !== null && name !== '');
  const inVersion = names.find((name) => name !== null && confined('1/', name) === null);
  const path = config.parameters.get('EXECUTION_ENV_PATH') ?? '';
  const stray = inVersion ?? (backend !== null && /[/\\]/.test(backend) ? backend : null) ?? (environmentOf(config) === null ? path : '');
  if (stray === '') return null;
  return isDamaged(CONFIG, 0, `${CONFIG} names a file that lies outside the folder, or hidden or too deep in it: ${shown(stray)}.`);
}

/** Environments and libraries that it names and that are not there yet. */
export function missingNames(config: TritonConfig, files: readonly CandidateFile[]): readonly FileProblem[] {
  const environment = environmentOf(config) ?? '';
  const isThere = files.some(({ path }) => path === environment || path.startsWith(`${environment}/`));
  const libraries = config.libraries.flatMap((name) => confined('', name) ?? []);
  const absent = libraries.filter((name) => !files.some(({ path }) => path === name || path.endsWith(`/${name}`)));
  return [...(environment === '' || isThere ? [] : [environment]), ...absent].map((name) => isMissing(name));
}

/** @param wanted the model's file in a version; null where the backend does not say. */
export function tritonCode(
  config: TritonConfig,
  backend: string | null,
  wanted: string | null,
  files: readonly CandidateFile[],
): TritonCode {
  const versions = new Set(files.flatMap(({ path }) => ANY_VERSION.exec(path)?.[0] ?? []));
  const models = [...new Set([...(wanted === null ? [] : [wanted]), ...config.modelFiles])];
  const running = models.filter((name) => runs(name, backend, config));
  const named = [...versions].flatMap((version) => running.flatMap((name) => confined(version, name) ?? []));
  const hasEnvironment = config.parameters.has('EXECUTION_ENV_PATH');
  const loaded = [...config.libraries, ...(config.runtime === null ? [] : [config.runtime])];
  return {
    // A backend that is not one of Triton's own comes from the folder; what names a library or an
    // environment has to be trusted as well.
    isNaming: loaded.length > 0 || hasEnvironment || backend === 'python',
    hasEnvironment,
    named: new Set([...named, ...namesInside(files, backend), environmentOf(config) ?? '']),
    libraries: new Set(loaded.flatMap((name) => confined('', name) ?? [])),
  };
}

function runs(name: string, backend: string | null, config: TritonConfig): boolean {
  if (backend === null || backend === 'vllm') return false;
  if (RUNS_ITS_FILE.has(backend)) return true;
  const known = READ_BY_US[backend];
  if (known !== undefined) return !known.test(name);
  // What another backend makes of a file that it usually would not take, nobody here knows.
  return name === config.defaultModelFile || config.modelFiles.includes(name);
}

/** Files of any version whose content names code: operators of a library, or arguments of vLLM. */
function namesInside(files: readonly CandidateFile[], backend: string | null): readonly string[] {
  return files
    .filter((file) => {
      if (!ANY_VERSION.test(file.path)) return false;
      if (/\.onnx$/i.test(file.path)) return hasCode(readOnnxFiles([file]));
      if (/\.xml$/i.test(file.path)) return hasCode(readOpenVinoPairs([file]));
      return backend === 'vllm' && /\/model\.json$/.test(file.path) && namesVllmCode(file);
    })
    .map(({ path }) => path);
}

function hasCode(found: ReturnType<typeof readOnnxFiles>): boolean {
  return found?.profile?.forms.some(({ codeFiles }) => codeFiles.length > 0) === true;
}

/** True also where only vLLM might read it. */
function namesVllmCode(file: CandidateFile): boolean {
  const json = jsonOf(file);
  if (json instanceof FormatError) return json.isBeyond;
  const values = Object.entries(json ?? {}).filter(([key]) => VLLM_CODE.test(key.replaceAll('-', '_')));
  return values.some(([, value]) => value !== false && value !== null);
}

/**
 * Where its environment lies in the folder; '' where it has none, null where that is not in the
 * folder.
 */
function environmentOf({ parameters }: TritonConfig): string | null {
  const path = parameters.get('EXECUTION_ENV_PATH') ?? '';
  if (path === '') return '';
  return path.startsWith(MODEL_FOLDER) ? confined('', path.slice(MODEL_FOLDER.length)) : null;
}
