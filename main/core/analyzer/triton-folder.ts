/**
 * Reads a ready Triton model folder: config.pbtxt, versions, the file that each version needs, and
 * which files would run code. A folder without config.pbtxt counts too if a numbered subfolder
 * holds a usual model file, because Triton completes the configuration. Pure and bounded (I7).
 */
import type { FileProblem, ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { attempt, damaged, FormatError } from './bytes.ts';
import { codeFilesOfTriton } from './code-files.ts';
import { nameOf, shown, someOf } from './file-names.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isMissing } from './findings.ts';
import { readOnnxFiles } from './onnx-folder.ts';
import { openVinoWeights, readOpenVinoPairs } from './openvino-folder.ts';
import { findings, plainProfile, sumBytes } from './plain-profile.ts';
import { readTensorRtFiles } from './tensorrt.ts';
import { readTorchFiles } from './torch-folder.ts';
import { readTritonConfig, type TritonConfig } from './triton.ts';
import { missingNames, strayNames, tritonCode } from './triton-code.ts';

const CONFIG = 'config.pbtxt';
const MAX_CONFIG_BYTES = 1024 * 1024;
/** Triton passes over folders whose number begins with 0. */
const VERSION = /^([1-9]\d{0,8})\//;

/**
 * The file that a backend looks for in a version, where the configuration names no other. Null: it
 * needs none, or more than one can be.
 */
const MODEL_FILES: Readonly<Record<string, string>> = {
  onnxruntime: 'model.onnx',
  tensorrt: 'model.plan',
  pytorch: 'model.pt',
  openvino: 'model.xml',
  python: 'model.py',
  vllm: 'model.json',
  dali: 'model.dali',
};
/** Those by whose name Triton knows the backend. */
const BACKEND_OF_FILE: ReadonlyMap<string, string> = new Map(
  ['onnxruntime', 'tensorrt', 'openvino', 'python'].map((backend) => [MODEL_FILES[backend] ?? '', backend]),
);
/** The readers of what lies in a version folder. */
const INNER_READERS = [readOnnxFiles, readTensorRtFiles, readOpenVinoPairs, readTorchFiles];

const EMPTY: TritonConfig = {
  name: null,
  backend: null,
  maxBatchSize: 0,
  inputs: [],
  outputs: [],
  instances: [],
  steps: [],
  defaultModelFile: null,
  modelFiles: [],
  libraries: [],
  runtime: null,
  parameters: new Map(),
  isDecoupled: false,
};

/** Null when the candidate is no model folder of Triton. */
export function readTriton(files: readonly CandidateFile[]): FormatFindings | null {
  const configFile = files.find(({ path }) => path === CONFIG);
  const versions = [...new Set(files.flatMap(({ path }) => VERSION.exec(path)?.[1] ?? []))].toSorted(
    (one, other) => Number(other) - Number(one),
  );
  const usual = files.find(({ path }) => VERSION.test(path) && BACKEND_OF_FILE.has(path.replace(VERSION, '')));
  if (configFile === undefined && usual === undefined) return null;
  const config = configFile === undefined ? EMPTY : attempt(() => readConfig(configFile));
  if (config instanceof FormatError) {
    const sentence = `${CONFIG} cannot be read: ${config.message}.`;
    return findings({ problems: [isDamaged(CONFIG, configFile?.bytes ?? 0, sentence)], hasWeights: versions.length > 0 });
  }
  const backend = config.backend ?? (usual === undefined ? null : (BACKEND_OF_FILE.get(nameOf(usual.path)) ?? null));
  // Triton serves the newest version unless it is told otherwise.
  const inner = versions[0] === undefined ? null : readVersion(files, `${versions[0]}/`);
  const problems = [...problemsOf(config, backend, files, versions), ...(inner?.problems ?? [])];
  const expected = new Map([...(inner?.expected ?? []), ...problems.map(({ file, expectedBytes }) => [file, expectedBytes] as const)]);
  for (const { file, kind, presentBytes } of problems) if (kind === 'damaged') expected.set(file, presentBytes);
  const hasWeights = versions.length > 0 || config.steps.length > 0;
  const own = profileOf(config, backend, files, versions);
  const { parameters = null, weightBytes = own.weightBytes, weightBytesByType = {}, quantization = null } = inner?.profile ?? {};
  const profile = { ...own, parameters, weightBytes, weightBytesByType, quantization, inputBytes: weightBytes };
  return findings({ expected, problems, hasWeights, profile });
}

/**
 * What the format of the files in a version folder says of them, with their paths from the
 * candidate's root. Null when none is known.
 */
function readVersion(files: readonly CandidateFile[], folder: string): FormatFindings | null {
  const inside = files.filter(({ path }) => path.startsWith(folder));
  const shifted = inside.map((file) => ({ path: file.path.slice(folder.length), bytes: file.bytes, open: () => file.open() }));
  const found = INNER_READERS.map((read) => read(shifted)).find((each) => each !== null) ?? null;
  return (
    found && {
      ...found,
      expected: new Map([...found.expected].map(([path, bytes]) => [folder + path, bytes])),
      problems: found.problems.map((problem) => ({ ...problem, file: folder + problem.file, message: folder + problem.message })),
    }
  );
}

function readConfig(file: CandidateFile): TritonConfig {
  if (file.bytes > MAX_CONFIG_BYTES) throw damaged(`it has ${file.bytes} bytes; ${MAX_CONFIG_BYTES} are possible`);
  return readTritonConfig(new TextDecoder().decode(file.open().read(0, file.bytes)));
}

function problemsOf(
  config: TritonConfig,
  backend: string | null,
  files: readonly CandidateFile[],
  versions: readonly string[],
): readonly FileProblem[] {
  const stray = strayNames(config);
  if (stray !== null) return [stray];
  const absent = missingNames(config, files);
  // An ensemble has only an empty version folder, which a listing of files does not show.
  if (backend === 'ensemble' || config.steps.length > 0) return absent;
  const wanted = wantedFile(config, backend);
  if (versions.length === 0) return [...absent, isMissing(`1/${wanted ?? 'model'}`)];
  if (wanted === null) return absent;
  // Some backends take a folder of that name.
  const has = (version: string): boolean =>
    files.some(({ path }) => path === `${version}/${wanted}` || path.startsWith(`${version}/${wanted}/`));
  return [...absent, ...versions.filter((version) => !has(version)).map((version) => isMissing(`${version}/${wanted}`))];
}

/**
 * The model's file in a version, as Triton looks for it; null where the backend needs none of a
 * known name.
 */
function wantedFile({ defaultModelFile }: TritonConfig, backend: string | null): string | null {
  return (defaultModelFile === '' ? null : defaultModelFile) ?? MODEL_FILES[backend ?? ''] ?? null;
}

function profileOf(
  config: TritonConfig,
  backend: string | null,
  files: readonly CandidateFile[],
  versions: readonly string[],
): ModelProfile {
  const [newest] = versions;
  const served = newest === undefined ? [] : files.filter(({ path }) => path.startsWith(`${newest}/`));
  const notes: string[] = [];
  if (config.steps.length > 0) notes.push(`It is an ensemble: it needs the models ${someOf(config.steps.map(shown), 16)} beside it.`);
  if (backend === 'vllm')
    notes.push('Its model.json names the model that vLLM would load: a Hugging Face folder, or one that it would download.');
  if (backend === null) notes.push('Its configuration names no backend, and its files do not show which one it needs.');
  const environment = config.parameters.get('EXECUTION_ENV_PATH') ?? null;
  if (environment !== null) notes.push(`It contains its own Python environment: ${shown(environment)}.`);
  const form: ModelForm = {
    kind: 'triton',
    files: [...files.filter(({ path }) => path === CONFIG), ...served].map(({ path }) => path),
    codeFiles: codeFilesOfTriton(
      files.map(({ path }) => path),
      tritonCode(config, backend, wantedFile(config, backend), files),
      openVinoWeights(files),
    ),
    inputs: config.inputs,
    outputs: config.outputs,
    detail: config.steps.length > 0 ? `ensemble of ${config.steps.length} models` : `${backend ?? 'unknown'} backend`,
  };
  return plainProfile({ architecture: backend ?? 'triton', name: config.name, weightBytes: sumBytes(served), forms: [form], notes });
}
