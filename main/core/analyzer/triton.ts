/**
 * Reads Triton's config.pbtxt: the model's name, its backend, inputs and outputs, and the fields
 * that make Triton run code. Pure.
 */
import type { TensorSpec } from '../../../shared/profile.ts';
import { booleanIn, messagesOf, numberOf, parsePbtxt, type TextMessage, textOf, textsOf } from './pbtxt.ts';

export interface TritonConfig {
  readonly name: string | null;
  /**
   * As it says, or as its older `platform` means; null where Triton guesses it from the model's
   * file.
   */
  readonly backend: string | null;
  readonly maxBatchSize: number;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly instances: readonly { readonly kind: string; readonly count: number }[];
  /** Names of the models that an ensemble calls; empty for what is none. */
  readonly steps: readonly string[];
  readonly defaultModelFile: string | null;
  /** Files that stand in for it on GPUs of some compute capability. */
  readonly modelFiles: readonly string[];
  /** Libraries with operators that the backend loads. */
  readonly libraries: readonly string[];
  /** A library of the model's own folder that runs in place of the backend. */
  readonly runtime: string | null;
  readonly parameters: ReadonlyMap<string, string>;
  readonly isDecoupled: boolean;
}

/** Older configurations name a platform; each is run by one backend. */
const BACKEND_OF_PLATFORM: Readonly<Record<string, string>> = {
  onnxruntime_onnx: 'onnxruntime',
  tensorrt_plan: 'tensorrt',
  pytorch_libtorch: 'pytorch',
  tensorflow_savedmodel: 'tensorflow',
  tensorflow_graphdef: 'tensorflow',
  ensemble: 'ensemble',
};

/** @throws FormatError `damaged` */
export function readTritonConfig(text: string): TritonConfig {
  const config = parsePbtxt(text);
  const platform = textOf(config, 'platform');
  const backend = textOf(config, 'backend');
  const scheduling = messagesOf(config, 'ensemble_scheduling')[0];
  const steps = scheduling === undefined ? [] : messagesOf(scheduling, 'step').flatMap((step) => textOf(step, 'model_name') ?? []);
  const policy = messagesOf(config, 'model_transaction_policy')[0];
  return {
    name: textOf(config, 'name'),
    backend: backend ?? (platform === null ? null : (BACKEND_OF_PLATFORM[platform] ?? platform)),
    maxBatchSize: numberOf(config, 'max_batch_size') ?? 0,
    inputs: messagesOf(config, 'input').map(specOf),
    outputs: messagesOf(config, 'output').map(specOf),
    instances: messagesOf(config, 'instance_group').map((group) => ({
      kind: textOf(group, 'kind') ?? 'KIND_AUTO',
      count: numberOf(group, 'count') ?? 1,
    })),
    steps: [...new Set(steps)],
    defaultModelFile: textOf(config, 'default_model_filename'),
    modelFiles: messagesOf(config, 'cc_model_filenames').flatMap((entry) => textsOf(entry, 'value')),
    libraries: messagesOf(config, 'model_operations').flatMap((operations) => textsOf(operations, 'op_library_filename')),
    runtime: textOf(config, 'runtime'),
    parameters: parametersOf(config),
    isDecoupled: booleanIn(policy?.get('decoupled')?.[0]) === true,
  };
}

function specOf(message: TextMessage): TensorSpec {
  const shape = (message.get('dims') ?? []).map((size) => (typeof size === 'number' ? size : -1));
  return { name: textOf(message, 'name') ?? '', type: textOf(message, 'data_type') ?? 'TYPE_INVALID', shape };
}

/** `parameters { key: "a" value: { string_value: "b" } }`, once or many times. */
function parametersOf(config: TextMessage): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const parameter of messagesOf(config, 'parameters')) {
    const key = textOf(parameter, 'key');
    const value = messagesOf(parameter, 'value')[0];
    if (key !== null) found.set(key, (value === undefined ? null : textOf(value, 'string_value')) ?? '');
  }
  return found;
}
