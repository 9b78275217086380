/**
 * The type of a model's profile, which the analyzer makes from its files. Pure data; owned by
 * `main/core/analyzer`, read by the brain and shown to users.
 */

/** What one can ask of a model. */
export const MODEL_KINDS = [
  'chat',
  'completion',
  'embedding',
  'reranker',
  'classifier',
  'vision',
  'vision-language',
  'speech',
  'unknown',
] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

/**
 * The way the weights lie in the folder. One folder may hold several; each runtime picks the form
 * it prefers. `transformers` has safetensors (or, alone, pickles); `pickle` is torch checkpoints
 * that nobody may load untrusted; `adapter` (PEFT, LoRA) needs a base; `remote` lies in no folder:
 * a server elsewhere offers it; `torch-export` is a `.pt2`; `mistral` is params.json beside
 * consolidated weights.
 */
export const FORM_KINDS = [
  'gguf',
  'transformers',
  'mistral',
  'diffusers',
  'timm',
  'adapter',
  'triton',
  'onnx',
  'openvino',
  'tensorrt',
  'torchscript',
  'torch-export',
  'pickle',
  'remote',
  'unknown',
] as const;
export type FormKind = (typeof FORM_KINDS)[number];

/** One input or output of a form that takes tensors. */
export interface TensorSpec {
  readonly name: string;
  /** As the format calls it: `FP32`, `float32`, `TYPE_INT64`. */
  readonly type: string;
  /** A size, a name for one that is chosen at run time, or -1 where it has no name. */
  readonly shape: readonly (number | string)[];
}

/**
 * A file that belongs to a form without being part of its weights: loaded beside them when it is
 * there.
 */
export interface CompanionFile {
  readonly role: 'projector' | 'draft' | 'adapter';
  readonly file: string;
}

/** Whether a GGUF can be made of a form, and of which architecture of llama.cpp. */
export type Conversion =
  /**
   * `contextTokens`: up to where llama.cpp computes what the original does; null: nobody knows.
   * `isCut`: that is not all of its context.
   */
  | { readonly architecture: string; readonly contextTokens: number | null; readonly isCut: boolean; readonly why: null }
  /** `why`: a sentence without its full stop. */
  | { readonly architecture: null; readonly contextTokens: null; readonly why: string };

export interface LoraForm {
  /** As PEFT calls it: `LORA`. */
  readonly method: string;
  /** Of its matrices; where modules have ranks of their own, the largest. */
  readonly rank: number | null;
  readonly task: string | null;
  /**
   * What it asks for beside two matrices for each module, as PEFT calls it (`use_dora`,
   * `modules_to_save`), with what people read of it.
   */
  readonly asks?: readonly { readonly key: string; readonly what: string }[];
}

export interface ModelForm {
  readonly kind: FormKind;
  /**
   * Paths relative to the candidate's root, the one to start the runtime with first. For a
   * candidate that is a file: its name.
   */
  readonly files: readonly string[];
  /**
   * Files of this form which would execute code or unpickle; empty means that nobody has to trust
   * anything (I7).
   */
  readonly codeFiles: readonly string[];
  readonly companions?: readonly CompanionFile[];
  /** Of LoRAs. */
  readonly adapter?: LoraForm;
  /** Of forms that take tensors. */
  readonly inputs?: readonly TensorSpec[];
  readonly outputs?: readonly TensorSpec[];
  /**
   * Of folders whose config.json names no class: the one that transformers takes for its
   * model_type.
   */
  readonly assumedClass?: string;
  /** Of GGUFs: how the tokenizer cuts texts, as the file calls it. */
  readonly preTokenizer?: string;
  /**
   * Why loaders that take weights by their names refuse these: a sentence without its full stop.
   */
  readonly unloadable?: string;
  /** Of safetensors that transformers describes. */
  readonly conversion?: Conversion;
  /**
   * Where several quantisations of one model lie in the folder: what this one takes, in place of
   * what the profile says.
   */
  readonly weights?: FormWeights;
  /** Of `remote`: the server that offers it. */
  readonly server?: string;
  /**
   * What a runtime has to know of the form beside its kind: `opset 17`, `needs TensorRT 10`,
   * `ensemble of 3 models`. For people.
   */
  readonly detail?: string;
}

/** What differs between quantisations of one model; the type's fields are those of the profile. */
export type FormWeights = Pick<
  ModelProfile,
  'quantization' | 'parameters' | 'feedForwardLength' | 'weightBytes' | 'weightBytesByType' | 'layerBytes' | 'inputBytes' | 'outputBytes'
>;

/**
 * How the layers of one kind keep what they have seen. `latent`: one compressed row a token (MLA);
 * `recurrent`: a state, whatever the length.
 */
export type KvLayerKind = 'full' | 'sliding' | 'chunked' | 'latent' | 'recurrent' | 'cross';

/** Layers that keep the same amount. */
export interface KvGroup {
  readonly kind: KvLayerKind;
  readonly layers: number;
  /** Of all these layers together, at 16 bits a value. 0 for recurrent ones. */
  readonly bytesPerToken: number;
  /** Of all these layers together, for each parallel sequence. */
  readonly bytesPerSequence: number;
  /** Tokens that these layers keep at most; null: the whole context. */
  readonly windowTokens: number | null;
}

/** Memory that one position (token) or one sequence takes in the KV cache at 16 bits a value. */
export interface KvCost {
  /** Of all layers together, while the sequence is shorter than every window. */
  readonly bytesPerToken: number;
  /** State of recurrent layers and of attention to an encoder, per parallel sequence. */
  readonly bytesPerSequence: number;
  /**
   * False when layers differ in a way we do not know yet: the figure is then an upper bound, and
   * the brain says so.
   */
  readonly exact: boolean;
  /** The same by kind of layer; empty where nobody knows, and then every layer counts as full. */
  readonly groups: readonly KvGroup[];
}

/** What is wrong with a file. Only `damaged` cannot be mended by more bytes. */
export type ProblemKind =
  | 'missing'
  | 'truncated'
  | 'partial-download'
  | 'lfs-pointer'
  | 'empty'
  | 'stale-index'
  | 'ends-in-zeros'
  | 'damaged';

export interface FileProblem {
  /** Relative to the candidate's root. */
  readonly file: string;
  readonly kind: ProblemKind;
  readonly presentBytes: number;
  /** Null where nobody can know. */
  readonly expectedBytes: number | null;
  /** `name: what is wrong`, for people; without a full stop. */
  readonly message: string;
}

/** How its author has a model's words drawn; null: not told. */
export interface SamplingAdvice {
  readonly temperature: number | null;
  readonly topP: number | null;
}

export interface ModelProfile {
  readonly kind: ModelKind;
  /** As the files call it: `llama`, `qwen2`, `LlamaForCausalLM`. */
  readonly architecture: string;
  readonly name: string | null;
  /**
   * From the shapes in the headers, not from a name. Packed weights count as what they unpack to.
   */
  readonly parameters: number | null;
  /** Bytes of all tensors, and by type (`Q4_1`, `F16`, `BF16`). */
  readonly weightBytes: number;
  readonly weightBytesByType: Readonly<Record<string, number>>;
  /**
   * What people call the quantisation: the method (`AWQ 4-bit`), or the commonest type by bytes.
   */
  readonly quantization: string | null;
  /** The longest context that the model was made for, in tokens. */
  readonly contextLength: number | null;
  readonly layers: number | null;
  readonly embeddingLength: number | null;
  readonly feedForwardLength: number | null;
  readonly heads: number | null;
  /** Of the layer that has most. */
  readonly kvHeads: number | null;
  /** Experts in each layer of a mixture, and how many of them a token uses. */
  readonly experts: { readonly count: number; readonly used: number | null } | null;
  readonly vocabularySize: number | null;
  readonly kv: KvCost | null;
  readonly tokenizer: string | null;
  readonly hasChatTemplate: boolean;
  /** Absent: its files advise nothing. */
  readonly sampling?: SamplingAdvice;
  /** How vectors of tokens become one: `mean`, `cls`, `last` ... */
  readonly pooling: string | null;
  /** As its README says: `apache-2.0`. */
  readonly licence: string | null;
  readonly tags: readonly string[];
  /** For a LoRA: its base, by the name that its files give. */
  readonly base: string | null;
  /**
   * Those that can be used as they lie there, the best described first; of what is incomplete,
   * those that will be.
   */
  readonly forms: readonly ModelForm[];
  /** Files that are missing or wrong, those included that nobody needs. */
  readonly problems: readonly FileProblem[];
  /** 0 to 100; 100 only when everything is there that the model needs. */
  readonly completenessPercent: number;
  /**
   * Things a person should know: an upper bound, a missing chat template, a tensor of zeros that
   * was let through.
   */
  readonly notes: readonly string[];
  /**
   * Bytes of tensors per repeating layer (index = layer), and of the rest (embeddings, output):
   * what part-offloading is planned from.
   */
  readonly layerBytes: readonly number[];
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** The form of a model that lies in no folder here: `server` offers it under the name `model`. */
export function offeredForm(server: string, model: string): ModelForm {
  return { kind: 'remote', files: [model], codeFiles: [], server };
}

/** A profile of which nothing is known yet: what a reader spreads before what it found. */
export const NOTHING_KNOWN: ModelProfile = {
  kind: 'unknown',
  architecture: 'unknown',
  name: null,
  parameters: null,
  weightBytes: 0,
  weightBytesByType: {},
  quantization: null,
  contextLength: null,
  layers: null,
  embeddingLength: null,
  feedForwardLength: null,
  heads: null,
  kvHeads: null,
  experts: null,
  vocabularySize: null,
  kv: null,
  tokenizer: null,
  hasChatTemplate: false,
  pooling: null,
  licence: null,
  tags: [],
  base: null,
  forms: [],
  problems: [],
  completenessPercent: 100,
  notes: [],
  layerBytes: [],
  inputBytes: 0,
  outputBytes: 0,
};

/** The sums of some groups of layers. */
export function kvCostOf(groups: readonly KvGroup[], exact: boolean): KvCost {
  const bytesPerToken = groups.reduce((sum, group) => sum + group.bytesPerToken, 0);
  const bytesPerSequence = groups.reduce((sum, group) => sum + group.bytesPerSequence, 0);
  return { bytesPerToken, bytesPerSequence, exact, groups };
}

/**
 * Bytes that one sequence of so many tokens keeps, at 16 bits a value.
 * @param cells tokens that a runtime sets aside for a group: rounds up to its blocks, adds what is
 * in flight beside a window.
 */
export function kvBytesOfSequence(
  kv: KvCost,
  tokens: number,
  cells: (tokens: number, windowTokens: number | null) => number = (all, windowTokens) => Math.min(all, windowTokens ?? all),
): number {
  if (kv.groups.length === 0) return kv.bytesPerToken * cells(tokens, null) + kv.bytesPerSequence;
  return kv.groups.reduce((sum, group) => sum + group.bytesPerToken * cells(tokens, group.windowTokens) + group.bytesPerSequence, 0);
}

/** The profile as this form of it is: with the weights of that quantisation. */
export function profileOf(profile: ModelProfile, form: ModelForm | undefined): ModelProfile {
  return form?.weights === undefined ? profile : { ...profile, ...form.weights, forms: [form] };
}

/** The form that a plan is for; undefined when the files are others by now. */
export function formOf(
  { forms }: Pick<ModelProfile, 'forms'>,
  plan: { readonly form: FormKind; readonly file: string },
): ModelForm | undefined {
  return forms.find(({ kind, files }) => kind === plan.form && (files[0] ?? '') === plan.file);
}
