/**
 * Which models vLLM takes: kind, form, architecture, quantisation, and on which devices. Pure. The
 * architectures are those that the installed version names in its registry; the quantisations
 * follow vllm/model_executor/layers/quantization (0.32).
 */
import type { LaunchPlan, Placement } from '../../../shared/decision.ts';
import type { ModelForm, ModelKind, ModelProfile } from '../../../shared/profile.ts';
import type { Support } from '../../core/decide/planner.ts';
import type { VllmFacts } from './facts.ts';
import { flagOf } from './flags.ts';

/** The largest of `MaxLoRARanks`. */
export const MOST_RANK = 512;
const KINDS: ReadonlySet<ModelKind> = new Set(['chat', 'completion', 'vision-language', 'embedding', 'reranker', 'classifier', 'speech']);
const FORMS = ['transformers', 'mistral'] as const;

interface Quantisation {
  readonly pattern: RegExp;
  /** Null: it runs on no GPU. */
  readonly capability: number | null;
  readonly onCpu: boolean;
  /** Not in vLLM itself: what to do. */
  readonly lacks?: string;
}

/** By the name that people call it by; the first that matches counts. */
const QUANTISATIONS: readonly Quantisation[] = [
  { pattern: /^bitsandbytes/, capability: null, onCpu: false, lacks: 'needs the plugin vllm-bnb-plugin, which Modelium does not manage' },
  { pattern: /^(?:EXL2|EXL3|HQQ|AQLM|EETQ|BitNet|mlx|vptq|quip|higgs|spqr)/i, capability: null, onCpu: false, lacks: 'is not in vLLM' },
  { pattern: /^AWQ/, capability: 7.5, onCpu: true },
  { pattern: /^GPTQ/, capability: 7.5, onCpu: true },
  { pattern: /^compressed-tensors INT8/, capability: 7.5, onCpu: true },
  { pattern: /^compressed-tensors/, capability: 7.5, onCpu: false },
  { pattern: /^MXFP4/, capability: 8, onCpu: false },
  { pattern: /FP8/, capability: 8, onCpu: false },
  { pattern: /^ModelOpt/, capability: 8, onCpu: false },
  { pattern: /^(?:quark|torchao|AutoRound)/, capability: 8, onCpu: false },
];

/** Does it take this form of the model, wherever there is room? */
export function supports(facts: VllmFacts, profile: ModelProfile, form: ModelForm): Support {
  const refusal = whyNot(facts, profile, form);
  if (refusal !== null) return { supported: false, why: refusal };
  return { supported: true, why: `vLLM serves it as it is (${profile.architecture}).` };
}

function whyNot({ install }: VllmFacts, profile: ModelProfile, form: ModelForm): string | null {
  if (!(FORMS as readonly string[]).includes(form.kind)) return `vLLM takes Hugging Face folders; this is ${form.kind}`;
  if (!KINDS.has(profile.kind))
    return `vLLM serves text, embeddings, rankings, classes and transcriptions; this is a model of the kind ${profile.kind}`;
  if (form.unloadable !== undefined) return `vLLM would refuse it: ${form.unloadable}`;
  const lacks = quantisationOf(profile)?.lacks;
  if (lacks !== undefined) return `its quantisation (${profile.quantization}) ${lacks}`;
  const { architecture } = profile;
  const known = install.found ? install.architectures : null;
  if (known === null || known.known[architecture] !== undefined) return null;
  const version = install.found ? ` ${install.version ?? ''}` : '';
  if (known.gone[architecture] !== undefined)
    return `vLLM${version} no longer supports ${architecture}: the last version that supported it is ${known.gone[architecture]}`;
  if (known.plugins[architecture] !== undefined) return `vLLM needs a plugin for ${architecture}: ${known.plugins[architecture]}`;
  // Anything else may run through transformers' own code (`_try_resolve_transformers`), but only
  // what generates.
  return ['chat', 'completion'].includes(profile.kind) ? null : `vLLM${version} does not list ${architecture}`;
}

/** A sentence: why it cannot run there, however much room there is; null where it can. */
export function obstacleAt(facts: VllmFacts, profile: ModelProfile, placement: Placement): string | null {
  const quantisation = quantisationOf(profile);
  if (quantisation === null) return null;
  if (placement.kind === 'cpu') return quantisation.onCpu ? null : `vLLM has no ${profile.quantization} on processors`;
  for (const id of placement.gpus) {
    const capability = Number(facts.gpu(id)?.computeCapability ?? Number.NaN);
    if (quantisation.capability !== null && capability < quantisation.capability) {
      return `${profile.quantization} needs a GPU of compute capability ${quantisation.capability.toFixed(1)}, this one has ${capability.toFixed(1)}`;
    }
  }
  return null;
}

/** What 0.32 takes of PEFT's further words (`lora/peft_helper.py`). */
const TAKEN: Readonly<Record<string, true>> = { rank_pattern: true, alpha_pattern: true };
/** The only whole modules that it takes: heads of classifiers. */
const CLASSES = /\(modules_to_save: (?:classifier|score)(?:, (?:classifier|score))*\)$/;

/** Why a LoRA cannot be loaded into a base that was launched so (null: into any). */
export function whyNotAttached({ adapter: lora, files }: ModelForm, base: LaunchPlan | null): string | null {
  if (lora === undefined || lora.method !== 'LORA') return `vLLM serves LoRA adapters; this one is ${lora?.method ?? 'of no known method'}`;
  if (lora.task !== null && lora.task !== 'CAUSAL_LM') return `vLLM serves adapters of text generation; this one is for ${lora.task}`;
  if (!files.some((file) => file.endsWith('.safetensors')))
    return 'Modelium gives vLLM adapters in safetensors only; this adapter is a pickle';
  const refused = lora.asks?.find(({ key, what }) => !(key in TAKEN) && !(key === 'modules_to_save' && CLASSES.test(what)));
  if (refused !== undefined) return `vLLM does not serve adapters with ${refused.what}: merge it into its base, and drop that`;
  const rank = lora.rank ?? Number.POSITIVE_INFINITY;
  if (rank > MOST_RANK) return `its rank is ${lora.rank ?? 'unknown'}, and vLLM takes up to ${MOST_RANK}`;
  if (base === null) return null;
  const most = Number(flagOf(base.args, '--max-lora-rank') ?? 0);
  if (!base.args.includes('--enable-lora')) return 'its base was started without adapters';
  return most < rank ? `its base was started for adapters of rank ${most}, and this one has ${rank}` : null;
}

/** What a person should know before it is loaded. */
export function notesOf({ install }: VllmFacts, profile: ModelProfile): readonly string[] {
  const { kind, hasChatTemplate, architecture } = profile;
  const known = install.found ? install.architectures : null;
  return [
    ...((kind === 'chat' || kind === 'completion') && !hasChatTemplate
      ? ['it has no chat template: chat is refused with status 400, completions work']
      : []),
    ...(known !== null && known.known[architecture] === undefined
      ? [`${architecture} is not in the list of this vLLM, which then tries transformers' own code for it`]
      : []),
  ];
}

/** Null: its weights are plain numbers. */
function quantisationOf({ quantization }: ModelProfile): Quantisation | null {
  return quantization === null ? null : (QUANTISATIONS.find(({ pattern }) => pattern.test(quantization)) ?? null);
}
