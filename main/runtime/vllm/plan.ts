/**
 * Flags and environment of a vLLM launch. Pure; `estimate.ts` computes their memory, `load.ts` adds
 * port, key and folders.
 */
import type { LaunchPlan, Placement } from '../../../shared/decision.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';
import type { LaunchSettings } from '../../core/decide/planner.ts';
import { type Budget, budgetOf } from './budget.ts';
import { deviceEnvironment, OFFLINE } from './environment.ts';
import { GPU_CONTEXT_BYTES, isEager, isSinglePrecision, onlyReads } from './estimate.ts';
import type { VllmFacts } from './facts.ts';
import { loraFlags } from './lora-flags.ts';

const MOST_CONTEXT_TOKENS = 8192;
const UNKNOWN_CONTEXT_TOKENS = 4096;
/**
 * Requests computed side by side; the cache is shared, and who finds no place in it waits inside
 * vLLM.
 */
const GPU_SEQUENCES = 64;
const CPU_SEQUENCES = 16;
/** Of a GPU's memory: what the driver and the context keep can never be vLLM's. */
const MOST_SHARE = 0.97;
const SHARE_STEPS = 1_000;
const LEAST_CACHE_BYTES = 64 * MIB;
/** Below this, GPUs compute no bfloat16 (Volta, Turing). */
const BFLOAT16_CAPABILITY = 8;
/**
 * These lose their numbers in 16-bit floats (vllm/config/model.py, _FLOAT16_NOT_SUPPORTED_MODELS).
 */
const NO_FLOAT16 = /^(?:Gemma2|Gemma3|Glm4|Plamo2)/i;

/** The launch of this model at this place. */
export function planOf(
  facts: VllmFacts,
  profile: ModelProfile,
  form: ModelForm,
  placement: Placement,
  settings: LaunchSettings,
): LaunchPlan {
  const own = [...facts.settings.args, ...(settings.args ?? [])];
  const sequences = settings.parallel ?? (placement.kind === 'cpu' ? CPU_SEQUENCES : GPU_SEQUENCES);
  const loras = onlyReads(profile) || profile.kind === 'speech' ? undefined : settings.loras;
  const sleeps = facts.sleeps && placement.kind !== 'cpu';
  const trained = profile.contextLength ?? UNKNOWN_CONTEXT_TOKENS;
  const most = onlyReads(profile) ? trained : Math.min(trained, MOST_CONTEXT_TOKENS);
  const budget = budgetOf(profile, placement, {
    contextTokens: onlyReads(profile) ? Math.min(settings.context ?? most, trained) : (settings.context ?? most),
    isFixed: settings.context !== undefined,
    sequences,
    isEager: isEager(own),
    mostBytes: mostBytesOf(facts, placement),
    learned: settings.learned,
  });
  const flags = [
    ...formFlags(form),
    ...contextFlags(profile, settings),
    '--max-num-seqs',
    String(sequences),
    ...dtypeFlags(facts, profile, placement),
    ...(placement.gpus.length > 1 ? ['--tensor-parallel-size', String(placement.gpus.length)] : []),
    ...memoryFlags(facts, placement, budget, settings),
    ...(sleeps ? ['--enable-sleep-mode'] : []),
    ...loraFlags(loras),
  ];
  return {
    runtime: 'vllm',
    form: form.kind,
    file: form.files[0] ?? '',
    placement,
    contextTokens: budget.contextTokens,
    parallelSequences: sequences,
    // The last one of a name counts: a person's own arguments win.
    args: [...flags, ...own],
    env: {
      ...OFFLINE,
      ...deviceEnvironment(facts, placement),
      // The routes by which it is put to sleep and given LoRAs: only ever on a private socket.
      ...(sleeps ? { VLLM_SERVER_DEV_MODE: '1' } : {}),
      ...(loras === undefined ? {} : { VLLM_ALLOW_RUNTIME_LORA_UPDATING: '1' }),
      ...facts.settings.env,
    },
    ...(settings.learned === undefined ? {} : { learned: settings.learned }),
    ...(loras === undefined ? {} : { adapters: loras }),
  };
}

function smallestGpuBytes({ gpu }: VllmFacts, { gpus }: Placement): number {
  return Math.min(...gpus.map((id) => gpu(id)?.totalBytes ?? 0));
}

/**
 * What vLLM's share may be at most: the rest is its context, and what the settings keep free. On a
 * processor the room alone decides.
 */
function mostBytesOf(facts: VllmFacts, placement: Placement): number {
  if (placement.kind === 'cpu') return Number.POSITIVE_INFINITY;
  const total = smallestGpuBytes(facts, placement);
  return Math.min(total * MOST_SHARE, total - facts.reserveBytes - GPU_CONTEXT_BYTES) - total / SHARE_STEPS;
}

function formFlags(form: ModelForm): readonly string[] {
  const mistral = form.kind === 'mistral' ? ['--tokenizer-mode', 'mistral', '--config-format', 'mistral', '--load-format', 'mistral'] : [];
  // Only code that a person has trusted gets here (I7); pickles are read without running them, and
  // need no flag.
  const code = form.codeFiles.some((file) => /\.(?:py|json)$/.test(file)) ? ['--trust-remote-code'] : [];
  // vLLM takes the stack without a head where config.json names no class, and that answers with
  // vectors.
  const { assumedClass } = form;
  const named = assumedClass === undefined ? [] : ['--hf-overrides', JSON.stringify({ architectures: [assumedClass] })];
  return [...mistral, ...code, ...named];
}

/**
 * Without a person's word vLLM takes the longest context that its cache holds, up to the model's
 * own.
 */
function contextFlags(profile: ModelProfile, { context }: LaunchSettings): readonly string[] {
  if (onlyReads(profile) || profile.kind === 'speech') return context === undefined ? [] : ['--max-model-len', String(context)];
  return ['--max-model-len', context === undefined ? 'auto' : String(context)];
}

function dtypeFlags(facts: VllmFacts, profile: ModelProfile, placement: Placement): readonly string[] {
  if (placement.kind === 'cpu') return isSinglePrecision(profile) ? ['--dtype', 'float32'] : [];
  const oldest = Math.min(...placement.gpus.map((id) => Number(facts.gpu(id)?.computeCapability ?? BFLOAT16_CAPABILITY)));
  if (oldest >= BFLOAT16_CAPABILITY) return [];
  return ['--dtype', NO_FLOAT16.test(profile.architecture) ? 'float32' : 'float16'];
}

function memoryFlags(facts: VllmFacts, placement: Placement, budget: Budget, settings: LaunchSettings): readonly string[] {
  if (placement.kind === 'cpu') {
    const bytes = Math.ceil(Math.max(budget.cacheBytes, LEAST_CACHE_BYTES) / MIB) * MIB;
    // Compiling takes a C++ compiler and minutes, and gains little on a processor.
    return ['--kv-cache-memory-bytes', String(bytes), '--enforce-eager'];
  }
  const total = smallestGpuBytes(facts, placement);
  // A person's word is the whole of it: vLLM fits its cache into what is left beside the weights.
  const configured = settings.memory_mb === undefined ? null : (settings.memory_mb * MIB) / placement.gpus.length;
  const planned = configured ?? budget.bytes + (settings.moreGpuBytes ?? 0);
  const wanted = Math.min(planned, settings.gpuBytes ?? planned);
  const share = total <= 0 ? MOST_SHARE : Math.ceil((wanted / total) * SHARE_STEPS) / SHARE_STEPS;
  return ['--gpu-memory-utilization', String(share)];
}
