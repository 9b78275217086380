/**
 * Which models Triton takes, how their entries are written for a placement, and their estimated
 * memory. Pure.
 */
import { type DeviceBytes, HOST_DEVICE, type LaunchPlan, type Placement } from '../../../shared/decision.ts';
import { type FormKind, formOf, type ModelForm, type ModelProfile, profileOf } from '../../../shared/profile.ts';
import type { Settings } from '../../../shared/settings.ts';
import { MIB } from '../../../shared/units.ts';
import type { Estimate, LaunchSettings, Support } from '../../core/decide/planner.ts';
import type { MachineFacts } from '../module.ts';
import { batchOf, type Interface, instanceLine, interfaceLines, parameterLine, quoted } from './config.ts';

/** Working memory beside the weights, and a process of Python's for what runs in one. */
const WORK_BYTES = 128 * MIB;
const GPU_CONTEXT_BYTES = 512 * MIB;
/** vLLM's share of a GPU beside the weights, for what it keeps of texts. */
const VLLM_CACHE_BYTES = 2048 * MIB;

export const SERVER = 'server:triton';

/** Of files that go with a call: in it three bytes are four, and a little stands around them. */
export function mostUploadBytes({ triton }: Settings): number {
  return Math.floor((triton.http_max_input_mb * MIB * 3) / 4) - MIB;
}

const BACKENDS: Partial<Record<FormKind, string>> = {
  onnx: 'onnxruntime',
  torchscript: 'pytorch',
  tensorrt: 'tensorrt',
  openvino: 'openvino',
  transformers: 'vllm',
};
/** They find out by themselves what goes in and out. */
const COMPLETED: readonly FormKind[] = ['tensorrt', 'openvino'];
/** They name devices in their own way, or run on none. */
const OWN_DEVICES: readonly string[] = ['vllm', 'ensemble'];

export function backendOf({ architecture }: ModelProfile, { kind }: ModelForm): string | null {
  return kind === 'triton' ? architecture : (BACKENDS[kind] ?? null);
}

/**
 * @param backends those that lie beside the server; null: there is none, and what it would have
 * nobody knows.
 */
export function supports(backends: readonly string[] | null, profile: ModelProfile, form: ModelForm): Support {
  const backend = backendOf(profile, form);
  if (backend === null) return { supported: false, why: 'Triton serves ONNX, TorchScript, TensorRT, OpenVINO and Triton folders.' };
  if (form.kind === 'onnx' && form.files.filter((file) => /\.onnx$/i.test(file)).length > 1)
    return { supported: false, why: 'It has several ONNX files that are one model together, and Triton loads one file each.' };
  if (backend === 'triton') return { supported: false, why: 'Neither its configuration nor its files say which backend runs it.' };
  if (backend === 'ensemble') return { supported: true, why: 'Triton runs ensembles of models that are loaded.' };
  if (backends?.includes(backend) ?? form.kind !== 'transformers')
    return { supported: true, why: `Triton runs it with its backend ${backend}.` };
  return { supported: false, why: `The Triton here has no backend ${backend}; it has ${backends?.join(', ') ?? 'none'}.` };
}

/** What a person has to say of it first, in a sentence; null: nothing. */
export function lacks({ kind }: ModelForm, { triton }: LaunchSettings): string | null {
  if (kind !== 'torchscript' || (triton?.inputs.length && triton.outputs.length)) return null;
  return 'A TorchScript file does not say what goes in and out of it: write models.NAME.triton.inputs and outputs, each with name, type and shape (`{ name: INPUT__0, type: FP32, shape: [-1, 3, 224, 224] }`).';
}

export function plan(
  { gpu }: Pick<MachineFacts, 'gpu'>,
  profile: ModelProfile,
  form: ModelForm,
  placement: Placement,
  settings: LaunchSettings,
): LaunchPlan {
  const backend = backendOf(profile, form) ?? '';
  const [device] = placement.gpus;
  const index = device === undefined ? null : (gpu(device)?.index ?? 0);
  const common = { runtime: 'triton', form: form.kind, file: form.files[0] ?? '', placement, server: SERVER };
  const instance = placement.kind === 'elsewhere' ? [] : [instanceLine(index)];
  const lines = [
    ...(form.kind === 'triton' ? readyLines(form, backend, instance) : ownLines(form, backend, index, instance, settings)),
    ...(settings.args ?? []),
  ];
  const totalBytes = device === undefined ? null : (gpu(device)?.totalBytes ?? null);
  const env = form.kind === 'transformers' ? { MODEL_JSON: modelJson(profile, settings, totalBytes) } : {};
  return { ...common, contextTokens: settings.context ?? 0, parallelSequences: 1, args: lines, env };
}

/** A ready folder keeps what its maker wrote; only where it runs is chosen here. */
function readyLines({ files }: ModelForm, backend: string, instance: readonly string[]): readonly string[] {
  return [...(files.includes('config.pbtxt') ? [] : [`backend: ${quoted(backend)}`]), ...(OWN_DEVICES.includes(backend) ? [] : instance)];
}

function ownLines(
  form: ModelForm,
  backend: string,
  gpu: number | null,
  instance: readonly string[],
  { triton }: LaunchSettings,
): readonly string[] {
  const declared: Interface = {
    inputs: triton?.inputs.length ? triton.inputs : (form.inputs ?? []),
    outputs: triton?.outputs.length ? triton.outputs : (form.outputs ?? []),
  };
  const tensors = COMPLETED.includes(form.kind) && !triton?.inputs.length ? { inputs: [], outputs: [] } : declared;
  const batch = triton?.max_batch_size ?? batchOf(tensors);
  return [
    `backend: ${quoted(backend)}`,
    ...(backend === 'pytorch' ? [`platform: ${quoted('pytorch_libtorch')}`] : []),
    ...interfaceLines(tensors, batch),
    ...(backend === 'vllm' ? ['instance_group [ { count: 1 kind: KIND_MODEL } ]'] : instance),
    ...memoryLines(backend, gpu),
  ];
}

/** So that memory of requests comes back while a model stays, and all of it when it leaves. */
function memoryLines(backend: string, gpu: number | null): readonly string[] {
  if (backend === 'pytorch') return [parameterLine('ENABLE_CACHE_CLEANING', 'true')];
  if (backend !== 'onnxruntime') return [];
  const shrink = parameterLine('memory.enable_memory_arena_shrinkage', gpu === null ? 'cpu:0' : `gpu:${gpu}`);
  return gpu === null ? [shrink] : [shrink, parameterLine('arena_extend_strategy', '1')];
}

/** What vLLM's backend reads. Source: the README of triton-inference-server/vllm_backend. */
function modelJson({ weightBytes }: ModelProfile, { context }: LaunchSettings, totalBytes: number | null): string {
  const share = totalBytes === null ? 0.3 : Math.min(0.9, (weightBytes * 1.1 + VLLM_CACHE_BYTES) / totalBytes);
  // JSON leaves out what is undefined.
  return JSON.stringify({
    model: '{model}',
    gpu_memory_utilization: Math.round(share * 1000) / 1000,
    enforce_eager: true,
    max_model_len: context,
  });
}

/** However much room there is. */
export function obstacle(profile: ModelProfile, { kind }: Placement, { runtime }: LaunchSettings, form: ModelForm): string | null {
  if (kind === 'cpu' && backendOf(profile, form) === 'tensorrt') return 'a TensorRT plan runs on a GPU alone';
  return form.kind === 'transformers' && runtime !== 'triton' ? "Triton's vLLM serves only models with models.NAME.runtime: triton" : null;
}

export function estimate(profile: ModelProfile, launch: LaunchPlan): Estimate {
  const { weightBytes } = profileOf(profile, formOf(profile, launch));
  const [gpu] = launch.placement.gpus;
  const cache = launch.form === 'transformers' ? VLLM_CACHE_BYTES : 0;
  const bytes: DeviceBytes =
    gpu === undefined
      ? { [HOST_DEVICE]: weightBytes + cache + WORK_BYTES }
      : { [HOST_DEVICE]: WORK_BYTES, [gpu]: weightBytes + cache + GPU_CONTEXT_BYTES };
  const parts = { model: weightBytes, kv: cache, compute: WORK_BYTES, gpuContext: gpu === undefined ? 0 : GPU_CONTEXT_BYTES };
  return { bytes, parts, notes: ['estimated from its files'], isGuess: true };
}
