/**
 * Adds a space at the very beginning of a text only (`prepend_scheme: first`, as Mistral's
 * tokenizers do). llama.cpp supports only always and never, so a converted model says never and
 * carries this extra key, and this code adds the space before tokenizing.
 */
export const SPACE_PREFIX_KEY = 'modelium.space_prefix';

/** What this needs of node-llama-cpp's model; `Token` is its own kind of number. */
interface Tokenizer<Token> {
  tokenize(text: string, special: boolean): readonly Token[];
  getTokenAttributes(token: Token): { readonly control: boolean; readonly userDefined: boolean };
}

/** Longer than every added token. */
const HEAD_CHARACTERS = 256;

/** Whether a model asks for it. @param metadata of its GGUF, by the parts of the keys. */
export function wantsFirstSpace(metadata: object): boolean {
  return (metadata as { readonly modelium?: { readonly space_prefix?: unknown } }).modelium?.space_prefix === 'first';
}

/**
 * @param special tokens that stand in the text count as such: one at the beginning takes no space.
 */
export function withFirstSpace<Token>(model: Tokenizer<Token>, text: string, special: boolean): string {
  if (text === '' || /^[ ▁]/.test(text)) return text;
  const first = model.tokenize(text.slice(0, HEAD_CHARACTERS), special)[0];
  const kind = first === undefined ? null : model.getTokenAttributes(first);
  return kind !== null && (kind.control || kind.userDefined) ? text : ` ${text}`;
}
