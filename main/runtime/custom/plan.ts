/**
 * Which models a custom server takes, how it is launched, and its estimated memory. Pure; measured
 * values replace the estimate.
 */
import { type DeviceBytes, HOST_DEVICE, type LaunchPlan, type Placement } from '../../../shared/decision.ts';
import { formOf, kvBytesOfSequence, type ModelForm, type ModelProfile, profileOf } from '../../../shared/profile.ts';
import type { OwnRuntime } from '../../../shared/settings.ts';
import { RUNTIME_FORMATS } from '../../../shared/settings-runtimes.ts';
import { MIB } from '../../../shared/units.ts';
import type { Estimate, LaunchSettings, Support } from '../../core/decide/planner.ts';
import { filled } from './placeholders.ts';

const MOST_CONTEXT_TOKENS = 8192;
const UNKNOWN_CONTEXT_TOKENS = 4096;
/** A program with its libraries, before any weights. */
const PROGRAM_BYTES = 512 * MIB;
/** A CUDA context and its libraries on each GPU. */
const GPU_CONTEXT_BYTES = 512 * MIB;

/** Which kinds of models and of files its settings name; an empty list leaves it open. */
export function namesKind({ kinds }: OwnRuntime, kind: ModelProfile['kind']): boolean {
  return kinds.length === 0 || kinds.some((each) => each === kind);
}

export function namesForm({ formats }: OwnRuntime, form: ModelForm['kind']): boolean {
  return formats.some((format) => RUNTIME_FORMATS[format] === form);
}

export function supportsOwn(id: string, own: OwnRuntime, { kind }: ModelProfile, form: ModelForm): Support {
  if (!namesKind(own, kind)) {
    return { supported: false, why: `runtimes.${id}.kinds names ${own.kinds.join(', ')}; this is a model of kind ${kind}.` };
  }
  if (form.kind === 'adapter') return { supported: false, why: `${id} loads whole models, and this is an adapter.` };
  if (own.formats.length > 0 && !namesForm(own, form.kind)) {
    return { supported: false, why: `runtimes.${id}.formats names ${own.formats.join(', ')}; this is ${form.kind}.` };
  }
  return { supported: true, why: `${id} takes it, because the settings say so.` };
}

export function planOwn(
  { id, own, program, cpuCores }: { readonly id: string; readonly own: OwnRuntime; readonly program: string; readonly cpuCores: number },
  profile: ModelProfile,
  form: ModelForm,
  placement: Placement,
  settings: LaunchSettings,
): LaunchPlan {
  const contextTokens = settings.context ?? Math.min(profile.contextLength ?? UNKNOWN_CONTEXT_TOKENS, MOST_CONTEXT_TOKENS);
  const values = {
    context: String(contextTokens),
    gpus: String(placement.gpus.length),
    cpu_threads: String(Math.max(1, cpuCores - 1)),
  };
  const args = [...own.args, ...(settings.args ?? [])].map((text) => filled(text, values));
  const env = Object.fromEntries(Object.entries(own.env).map(([name, text]) => [name, filled(text, values)]));
  return {
    runtime: id,
    form: form.kind,
    file: form.files[0] ?? '',
    placement,
    contextTokens,
    parallelSequences: 1,
    // The program is part of the plan, so that another one is another launch.
    args: [program, ...args],
    // An empty list hides every GPU.
    env: { ...env, CUDA_VISIBLE_DEVICES: placement.gpus.join(',') },
    asked: [own.protocol, own.health, own.model_name],
  };
}

export function estimateOwn(id: string, { memory_mb, formats }: OwnRuntime, profile: ModelProfile, plan: LaunchPlan): Estimate {
  const { weightBytes, kv } = profileOf(profile, formOf(profile, plan));
  const { gpus } = plan.placement;
  const cache = kv === null ? 0 : kvBytesOfSequence(kv, plan.contextTokens);
  const gpuContext = GPU_CONTEXT_BYTES * gpus.length;
  const guess = memory_mb === undefined ? weightBytes + cache + PROGRAM_BYTES : memory_mb * MIB;
  const onGpus = memory_mb === undefined ? weightBytes + cache + gpuContext : guess;
  const bytes: Record<string, number> = { [HOST_DEVICE]: Math.ceil(gpus.length === 0 ? guess : PROGRAM_BYTES) };
  const besides = gpus.length === 0 ? {} : { program: PROGRAM_BYTES };
  for (const gpu of gpus) bytes[gpu] = Math.ceil(onGpus / gpus.length);
  const chosen = formats.length === 0 ? `the model's settings name ${id}` : `runtimes.${id} is preferred to Modelium's own runtimes`;
  return {
    bytes: bytes as DeviceBytes,
    parts: memory_mb === undefined ? { model: weightBytes, kv: cache, program: PROGRAM_BYTES, gpuContext } : { guess, ...besides },
    notes: [chosen, memory_mb === undefined ? 'estimated from its files' : `first guess: runtimes.${id}.memory_mb`],
    isGuess: true,
  };
}
