/**
 * Builders for the brain's tests: a planner whose bytes are simple arithmetic, devices, residents
 * and a profile.
 */
import type { BrainInput } from '../../main/core/decide/brain.ts';
import type { KnownRuntime, RuntimePlanner } from '../../main/core/decide/planner.ts';
import type { Room } from '../../main/core/memory/devices.ts';
import type { Resident } from '../../main/core/memory/evictor.ts';
import { LATER_RUNTIMES, RUNTIMES } from '../../main/runtime/adapters.ts';
import { HOST_DEVICE, type Placement } from '../../shared/decision.ts';
import { type ModelForm, type ModelProfile, NOTHING_KNOWN } from '../../shared/profile.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';
import { GIB } from '../../shared/units.ts';

export const NOW_MS = 10_000_000;

export function profile(gib: number, change: Partial<ModelProfile> = {}): ModelProfile {
  return {
    ...NOTHING_KNOWN,
    kind: 'chat',
    architecture: 'llama',
    name: null,
    parameters: null,
    weightBytes: gib * GIB,
    weightBytesByType: {},
    quantization: 'Q4_K',
    contextLength: 4096,
    layers: 10,
    embeddingLength: null,
    feedForwardLength: null,
    heads: 8,
    kvHeads: 8,
    vocabularySize: null,
    kv: null,
    tokenizer: null,
    hasChatTemplate: true,
    forms: [form('gguf')],
    notes: [],
    layerBytes: [],
    inputBytes: 0,
    outputBytes: 0,
    ...change,
  };
}

export function form(kind: ModelForm['kind'], codeFiles: readonly string[] = []): ModelForm {
  return { kind, files: [`model.${kind}`], codeFiles };
}

/** Takes the weights evenly over the GPUs, and `hostShare` of them on the host beside a GPU. */
export function planner(change: Partial<RuntimePlanner> = {}, hostShare = 0): RuntimePlanner {
  return {
    id: 'llama',
    splits: true,
    groups: false,
    supports: (_profile, { kind }) => ({
      supported: kind === 'gguf',
      why: kind === 'gguf' ? 'takes GGUF files' : 'llama.cpp takes GGUF files only',
    }),
    plan: (_profile, { kind, files }, placement, settings) => ({
      runtime: change.id ?? 'llama',
      form: kind,
      file: files[0] ?? '',
      placement,
      contextTokens: settings.context ?? 4096,
      parallelSequences: 1,
      args: [],
      env: {},
    }),
    estimate: ({ weightBytes, layers }, plan) => ({
      bytes: bytesAt(weightBytes, layers ?? 1, plan.placement, hostShare),
      parts: {},
      notes: [],
    }),
    ...change,
  };
}

function bytesAt(weightBytes: number, layers: number, { kind, gpus, gpuLayers }: Placement, hostShare: number): Record<string, number> {
  if (kind === 'cpu') return { [HOST_DEVICE]: weightBytes };
  const onGpus = kind === 'split' ? (weightBytes * (gpuLayers ?? 0)) / (layers + 1) : weightBytes;
  const bytes: Record<string, number> = {};
  for (const gpu of gpus) bytes[gpu] = Math.ceil(onGpus / gpus.length);
  const host = Math.ceil(weightBytes - onGpus + weightBytes * hostShare);
  return host > 0 ? { ...bytes, [HOST_DEVICE]: host } : bytes;
}

export function runtime(change: Partial<KnownRuntime> = {}, of: RuntimePlanner = planner()): KnownRuntime {
  const { name, preference } = [...RUNTIMES, ...LATER_RUNTIMES].find(({ id }) => id === of.id)!;
  return {
    name,
    preference,
    planner: of,
    enabled: true,
    found: { found: true, version: '1', message: 'built in', gpu: { usable: true, why: 'CUDA' } },
    ...change,
  };
}

export function gpu(index: number, totalGib: number, change: Partial<Room> = {}): Room {
  return room(`GPU-${index}`, 'gpu', index, totalGib, change);
}

export function host(totalGib: number, change: Partial<Room> = {}): Room {
  return room(HOST_DEVICE, 'host', null, totalGib, change);
}

function room(id: string, kind: 'gpu' | 'host', index: number | null, totalGib: number, change: Partial<Room>): Room {
  const totalBytes = totalGib * GIB;
  return {
    id,
    kind,
    index,
    name: kind === 'gpu' ? 'Test GPU' : 'Test CPU',
    simulated: true,
    totalBytes,
    usedBytes: 0,
    reservedBytes: 0,
    promisedBytes: 0,
    leakedBytes: 0,
    availableBytes: totalBytes,
    byModel: {},
    othersBytes: 0,
    programs: [],
    leaks: [],
    utilizationRatio: null,
    powerWatts: null,
    temperatureCelsius: null,
    allowed: true,
    emptyBytes: totalBytes,
    loading: null,
    ...change,
  };
}

export function resident(modelId: string, held: Record<string, number>, change: Partial<Resident> = {}): Resident {
  return {
    modelId,
    pids: [],
    held: Object.fromEntries(Object.entries(held).map(([id, gib]) => [id, gib * GIB])),
    state: 'ready',
    pinned: false,
    alwaysLoaded: false,
    inFlight: 0,
    sinceMs: NOW_MS - 3_600_000,
    lastUsedMs: NOW_MS - 120_000,
    gapMs: null,
    loadSeconds: 10,
    idleAfterSeconds: null,
    keepAliveSeconds: null,
    ...change,
  };
}

export function question(change: Partial<BrainInput> = {}): BrainInput {
  return {
    modelId: 'new',
    profile: profile(8),
    settings: {},
    policies: DEFAULT_SETTINGS.orchestration.policies,
    trusted: () => false,
    base: null,
    asleep: null,
    devices: [gpu(0, 24), host(64)],
    residents: [],
    runtimes: [runtime()],
    laterRuntimes: LATER_RUNTIMES,
    measurements: [],
    box: 'present',
    mayEvict: true,
    waitedMs: 0,
    nowMs: NOW_MS,
    ...change,
  };
}
