/**
 * Builds the profile that the brain uses from the header of a GGUF, or from the headers of all
 * parts. Pure; it states only what the header says.
 */
import { type CompanionFile, type ModelForm, type ModelKind, type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import { templateFault } from './chat-template.ts';
import type { GgufHeader, GgufTensor } from './gguf.ts';
import { GgufFacts } from './gguf-facts.ts';
import { ggufKvCost } from './gguf-kv.ts';
import { whyUnloadable } from './gguf-loadable.ts';
import { samplingOf } from './sampling.ts';

/** Architectures of llama.cpp that only ever answer with vectors. */
const EMBEDDING_ARCHITECTURES = new Set([
  'bert',
  'nomic-bert',
  'nomic-bert-moe',
  'jina-bert-v2',
  'jina-bert-v3',
  'modern-bert',
  'neo-bert',
  'eurobert',
  'gemma-embedding',
  't5encoder',
]);
/** llama.cpp's pooling types; 0 is none. */
const POOLING: ReadonlyMap<number, string> = new Map([
  [1, 'mean'],
  [2, 'cls'],
  [3, 'last'],
  [4, 'rank'],
]);
const POOLING_RANK = 4;
/** More layers than any model has. */
export const MAX_LAYERS = 4096;

/** What kind of file it is before one asks what the model does. */
export type GgufRole = 'model' | 'mmproj' | 'adapter' | 'vocabulary' | 'imatrix' | 'other';

/** Only a `model` can be served by itself. */
export function ggufRole(header: GgufHeader): GgufRole {
  const facts = new GgufFacts(header.metadata);
  const type = facts.text('general.type');
  if (type === 'adapter') return 'adapter';
  if (type === 'mmproj' || facts.architecture === 'clip') return 'mmproj';
  if (type === 'imatrix') return 'imatrix';
  const parts = facts.number('split.count') ?? 1;
  if (header.tensors.length === 0 && parts <= 1) return 'vocabulary';
  // llama.cpp refuses a text model without a tokenizer; image generators come as GGUF without one.
  return facts.text('tokenizer.ggml.model') === null ? 'other' : 'model';
}

const ROLE_NOTES: Readonly<Record<Exclude<GgufRole, 'model'>, string>> = {
  mmproj: 'It is the vision projector (mmproj) that belongs to a model, not a model.',
  adapter: 'It is a LoRA adapter for a base model, not a complete model.',
  vocabulary: 'It holds a vocabulary and no weights.',
  imatrix: 'It is an importance matrix for quantising, not a model.',
  other: 'It has no tokenizer, so it is not a text model that llama.cpp can serve.',
};

/**
 * @param headers of one file, or of the parts of a split model in their order: the first carries
 * the metadata.
 * @param files the paths of these parts, for the profile's form.
 */
export function ggufProfile(
  headers: readonly GgufHeader[],
  files: readonly string[],
  companions: readonly CompanionFile[] = [],
): ModelProfile {
  const first = headers[0];
  const facts = new GgufFacts(first?.metadata ?? new Map());
  const tensors = headers.flatMap((header) => header.tensors);
  const role = first === undefined ? 'vocabulary' : ggufRole(first);
  const kind = role === 'model' ? kindOf(facts) : 'unknown';
  const kv = role === 'model' ? ggufKvCost(facts) : null;
  const heads = facts.own('attention.head_count');
  const hasChatTemplate = facts.text('tokenizer.chat_template') !== null;
  const isLora = role === 'adapter';
  const sampling = samplingOf(facts.number('general.sampling.temp'), facts.number('general.sampling.top_p'));
  return {
    ...NOTHING_KNOWN,
    kind,
    architecture: facts.architecture,
    name: facts.text('general.name'),
    parameters: tensors.reduce((sum, tensor) => sum + tensor.elements, 0),
    ...weights(tensors),
    contextLength: facts.own('context_length'),
    layers: facts.own('block_count'),
    embeddingLength: facts.own('embedding_length'),
    feedForwardLength: facts.own('feed_forward_length'),
    heads,
    kvHeads: facts.own('attention.head_count_kv') ?? heads,
    vocabularySize: facts.array('tokenizer.ggml.tokens')?.count ?? facts.own('vocab_size'),
    kv,
    tokenizer: facts.text('tokenizer.ggml.model'),
    hasChatTemplate,
    ...(sampling === null ? {} : { sampling }),
    experts: expertsOf(facts),
    pooling: POOLING.get(facts.own('pooling_type') ?? 0) ?? null,
    licence: facts.text('general.license'),
    base: isLora ? baseOf(facts) : null,
    forms: [
      { ...formFacts(headers, role, facts), kind: isLora ? 'adapter' : 'gguf', files, ...(companions.length > 0 ? { companions } : {}) },
    ],
    notes: role === 'model' ? [...notesOf(kind, kv?.exact ?? null), ...tokenizerNotes(facts)] : [ROLE_NOTES[role]],
    ...places(tensors),
  };
}

function formFacts(
  headers: readonly GgufHeader[],
  role: GgufRole,
  facts: GgufFacts,
): Pick<ModelForm, 'codeFiles' | 'preTokenizer' | 'unloadable'> {
  const preTokenizer = facts.text('tokenizer.ggml.pre');
  const unloadable = role === 'model' ? whyUnloadable(headers) : null;
  return {
    codeFiles: [],
    ...(preTokenizer === null ? {} : { preTokenizer: preTokenizer.slice(0, 64) }),
    ...(unloadable === null ? {} : { unloadable }),
  };
}

function expertsOf(facts: GgufFacts): ModelProfile['experts'] {
  const count = facts.own('expert_count') ?? 0;
  return count > 0 ? { count, used: facts.own('expert_used_count') } : null;
}

/** What a LoRA names as its base: converters write the model's address, or its name. */
function baseOf(facts: GgufFacts): string | null {
  const address = facts.text('general.base_model.0.repo_url');
  return address?.replace(/^https?:\/\/[^/]+\//, '') ?? facts.text('general.base_model.0.name') ?? facts.text('adapter.base_model');
}

function kindOf(facts: GgufFacts): ModelKind {
  const pooling = facts.own('pooling_type');
  if (pooling === POOLING_RANK) return 'reranker';
  if ((pooling ?? 0) > 0 || EMBEDDING_ARCHITECTURES.has(facts.architecture)) return 'embedding';
  return facts.text('tokenizer.chat_template') === null ? 'completion' : 'chat';
}

function notesOf(kind: ModelKind, exact: boolean | null): readonly string[] {
  const notes: string[] = [];
  if (kind === 'completion') notes.push('It has no chat template, so it only completes text, like a base model.');
  if (exact === null) notes.push('The header does not say how much memory its cache needs.');
  if (exact === false) notes.push('Its layers keep different amounts of context: the cache figure is an upper bound.');
  return notes;
}

function tokenizerNotes(facts: GgufFacts): readonly string[] {
  const notes: string[] = [];
  // Byte pairs are cut by a pattern of which files made before May 2024 do not say which; llama.cpp
  // then takes one that fits few models.
  if (facts.text('tokenizer.ggml.model') === 'gpt2' && facts.text('tokenizer.ggml.pre') === null) {
    notes.push(
      'It does not say how its tokenizer cuts texts (tokenizer.ggml.pre): it was made by an old converter, and llama.cpp guesses. ' +
        'Its answers may be worse than they could be: get a newer file of this model.',
    );
  }
  const template = facts.text('tokenizer.chat_template');
  const fault = template === null ? null : templateFault(template);
  if (fault !== null) notes.push(fault);
  return notes;
}

function weights(tensors: readonly GgufTensor[]): Pick<ModelProfile, 'weightBytes' | 'weightBytesByType' | 'quantization'> {
  const byType = new Map<string, number>();
  for (const tensor of tensors) byType.set(tensor.type, (byType.get(tensor.type) ?? 0) + tensor.bytes);
  const ordered = [...byType].toSorted((one, other) => other[1] - one[1]);
  return {
    weightBytes: ordered.reduce((sum, [, bytes]) => sum + bytes, 0),
    weightBytesByType: Object.fromEntries(ordered),
    quantization: ordered[0]?.[0] ?? null,
  };
}

/**
 * Where the bytes go, by llama.cpp's tensor names. A tied output counts once, with the input: there
 * is one tensor.
 */
function places(tensors: readonly GgufTensor[]): Pick<ModelProfile, 'layerBytes' | 'inputBytes' | 'outputBytes'> {
  const layerBytes: number[] = [];
  let inputBytes = 0;
  let outputBytes = 0;
  for (const tensor of tensors) {
    const layer = Number(/^(?:enc\.|dec\.)?blk\.(\d{1,4})\./.exec(tensor.name)?.[1] ?? Number.NaN);
    if (layer < MAX_LAYERS) {
      while (layerBytes.length <= layer) layerBytes.push(0);
      layerBytes[layer] = (layerBytes[layer] ?? 0) + tensor.bytes;
    } else if (/^(?:enc\.|dec\.)?(?:output|cls)/.test(tensor.name)) outputBytes += tensor.bytes;
    else inputBytes += tensor.bytes;
  }
  return { layerBytes, inputBytes, outputBytes };
}
