/**
 * Turns a llama-swap command line into the settings of a custom runtime: finds the words that are
 * the port, the model's path and the context. Pure.
 */

import { shellWords } from './shell-words.ts';
import { MODEL_ID, PORT } from './swap-config.ts';

export interface OwnCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Of the model's file or folder, as it stands in the command; null: none is told. */
  readonly model: string | null;
  /** In tokens; null: none is told. */
  readonly context: number | null;
  /** Without one the server would not know where to listen. */
  readonly hasPort: boolean;
}

const MODEL = '\u0003';
const CONTEXT = '\u0004';
const MODEL_FLAGS = ['-m', '--model', '--model-path', '--model_path'];
const CONTEXT_FLAGS = ['-c', '--ctx-size', '--ctx_size', '--max-model-len', '--max_model_len', '--context-length'];

/**
 * @param text the command with its macros filled in. @param port a port that it may name instead of
 * the macro; null: none.
 * @throws Error for a quote without an end, or no word at all.
 */
export function ownCommand(text: string, port: string | null): OwnCommand {
  // Lines of it may be comments.
  const lines = text.split('\n').filter((line) => !line.trim().startsWith('#'));
  // A backslash continues a line though blanks follow it, and on the last line it continues
  // nothing.
  const [command = '', ...rest] = shellWords(lines.map((line) => line.replace(/\\\s*$/, ' ')).join('\n'));
  if (command === '') throw new Error('it has no word');
  const words = port === null || rest.some((word) => word.includes(PORT)) ? rest : rest.map((word) => withPort(word, port));
  const model = found(words, MODEL_FLAGS, isPath) ?? positional(words);
  const context = found(words, CONTEXT_FLAGS, (value) => /^[1-9]\d*$/.test(value));
  const args = words.map((word, index) => {
    if (index === model?.at) return `${model.before}${MODEL}`;
    return index === context?.at ? `${context.before}${CONTEXT}` : word;
  });
  return {
    command,
    args: args.map(asPlaceholders),
    model: model?.value ?? null,
    context: context === null ? null : Number(context.value),
    hasPort: args.some((word) => word.includes(PORT)),
  };
}

/**
 * A text of llama-swap in words of ours: what it fills in is ours to fill in, and what only looks
 * like that stays as it is.
 */
export function asPlaceholders(text: string): string {
  return text
    .replace(/\{([a-z_]+)\}/g, '{{$1}}')
    .replaceAll(PORT, '{port}')
    .replaceAll(MODEL_ID, '{name}')
    .replaceAll(MODEL, '{model}')
    .replaceAll(CONTEXT, '{context}');
}

interface FoundWord {
  readonly at: number;
  readonly before: string;
  readonly value: string;
}

/** The last one counts, as programs read it. */
function found(words: readonly string[], flags: readonly string[], fits: (value: string) => boolean): FoundWord | null {
  for (let at = words.length - 1; at >= 0; at -= 1) {
    const word = words[at] ?? '';
    const [flag = '', joined] = word.split(/=(.*)/s);
    if (!flags.includes(flag)) continue;
    if (joined !== undefined && fits(joined)) return { at, before: `${flag}=`, value: joined };
    const next = words[at + 1];
    if (joined === undefined && next !== undefined && fits(next)) return { at: at + 1, before: '', value: next };
  }
  return null;
}

/** The first word that is a path by itself, such as that of `serve /models/x`. */
function positional(words: readonly string[]): FoundWord | null {
  const at = words.findIndex((word, index) => isPath(word) && !(words[index - 1] ?? '').startsWith('-'));
  return at === -1 ? null : { at, before: '', value: words[at] ?? '' };
}

/** `owner/model` is a name of a hub. */
function isPath(value: string): boolean {
  return /^(?:\/|~\/|\.\.?\/)./.test(value) || /\.gguf$/i.test(value);
}

function withPort(word: string, port: string): string {
  return word.replace(new RegExp(`(^|[=:])${port}(?=:|$)`), `$1${PORT}`);
}
