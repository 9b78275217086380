/**
 * What a model is, as its bytes tell: the analyzer's verdict. Pure data; owned by `main/core/analyzer`, read by the brain and shown to people.
 */

/** What one can ask of a model. */
export type ModelKind =
  | 'chat'
  | 'completion'
  | 'embedding'
  | 'reranker'
  | 'classifier'
  | 'vision'
  | 'vision-language'
  | 'speech'
  | 'unknown';

/** The way the weights lie in the folder. One folder may hold several; each runtime picks the form it prefers. */
export type FormKind = 'gguf' | 'transformers' | 'onnx' | 'tensorrt' | 'torchscript' | 'triton' | 'pickle' | 'unknown';

export interface ModelForm {
  readonly kind: FormKind;
  /** Paths relative to the candidate's root, the one to start the runtime with first. For a candidate that is a file: its name. */
  readonly files: readonly string[];
  /** Files of this form which would execute code or unpickle; empty means that nobody has to trust anything (I7). */
  readonly codeFiles: readonly string[];
}

/** Memory that one position (token) or one sequence takes in the KV cache at 16 bits a value. */
export interface KvCost {
  readonly bytesPerToken: number;
  /** State of recurrent layers, per parallel sequence. */
  readonly bytesPerSequence: number;
  /** False when layers differ in a way we do not know yet: the figure is then an upper bound, and the brain says so. */
  readonly exact: boolean;
}

export interface ModelProfile {
  readonly kind: ModelKind;
  /** As the files call it: `llama`, `qwen2`, `LlamaForCausalLM`. */
  readonly architecture: string;
  readonly name: string | null;
  /** From the shapes in the headers, not from a name. */
  readonly parameters: number | null;
  /** Bytes of all tensors, and by type (`Q4_1`, `F16`, `BF16`). */
  readonly weightBytes: number;
  readonly weightBytesByType: Readonly<Record<string, number>>;
  /** The commonest type by bytes; what people call the quantisation. */
  readonly quantization: string | null;
  /** The longest context that the model was made for, in tokens. */
  readonly contextLength: number | null;
  readonly layers: number | null;
  readonly embeddingLength: number | null;
  readonly feedForwardLength: number | null;
  readonly heads: number | null;
  readonly kvHeads: number | null;
  readonly vocabularySize: number | null;
  readonly kv: KvCost | null;
  readonly tokenizer: string | null;
  readonly hasChatTemplate: boolean;
  readonly forms: readonly ModelForm[];
  /** Things a person should know: an upper bound, a missing chat template, a tensor of zeros that was let through. */
  readonly notes: readonly string[];
  /** Bytes of tensors per repeating layer (index = layer), and of the rest (embeddings, output): what part-offloading is planned from. */
  readonly layerBytes: readonly number[];
  readonly inputBytes: number;
  readonly outputBytes: number;
}
