/** Which runtime suits which model: the one table of it. Pure. */
import type { Placement, RuntimeId } from '../../shared/decision.ts';
import type { FormKind, ModelKind } from '../../shared/profile.ts';

const TEXT_KINDS: ReadonlySet<ModelKind> = new Set(['chat', 'completion', 'embedding', 'reranker', 'vision-language']);

/** The best first; a runtime that is not named comes last. Whether a runtime takes the model at all is its adapter's word, not this table's. */
const BY_FORM: Readonly<Record<FormKind, (kind: ModelKind) => readonly RuntimeId[]>> = {
  gguf: () => ['llama', 'vllm'],
  transformers: (kind) => (TEXT_KINDS.has(kind) ? ['vllm', 'llama', 'ray'] : ['ray', 'vllm']),
  mistral: () => ['vllm'],
  diffusers: () => ['ray'],
  timm: () => ['ray'],
  adapter: () => ['vllm', 'ray'],
  onnx: () => ['triton', 'ray'],
  openvino: () => ['triton'],
  tensorrt: () => ['triton'],
  torchscript: () => ['triton', 'ray'],
  'torch-export': () => ['triton', 'ray'],
  triton: () => ['triton'],
  pickle: () => ['ray'],
  unknown: () => [],
};

/** The runtime that suits this kind of model in this form best; null where none takes it. */
export function suitedRuntime(kind: ModelKind, form: FormKind): RuntimeId | null {
  return BY_FORM[form](kind)[0] ?? null;
}

/**
 * 0 for the runtime that suits a model of this kind in this form best, then upwards. Without a GPU llama.cpp comes first: it starts in a second where
 * vLLM takes half a minute and 2 GB more, and is no slower.
 */
export function runtimePreference(runtime: RuntimeId, kind: ModelKind, form: FormKind, placement: Placement['kind']): number {
  const suited = BY_FORM[form](kind);
  const order =
    placement === 'cpu' && suited.includes('llama') ? (['llama', ...suited.filter((each) => each !== 'llama')] as const) : suited;
  const place = order.indexOf(runtime);
  return place < 0 ? order.length : place;
}
