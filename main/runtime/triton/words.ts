/** Turns Triton's errors and exits into sentences. Pure. */
import type { Exit } from '../../core/process-ports.ts';
import type { Explanation } from '../adapter.ts';
import { killedSentence } from '../killed.ts';

const QUOTED_CHARACTERS = 600;
const OUT_OF_MEMORY =
  /out of memory|failed to allocate|cudaErrorMemoryAllocation|std::bad_alloc|\bMemoryError\b|BFCArena::AllocateRawInternal/i;
/** `load failed for model 'x': version 1 is at UNAVAILABLE state: Internal: ...` */
const PREFIXES = [
  /^load failed for model '[^']*': /,
  /^version \d+ is at UNAVAILABLE state: /,
  /^(?:Internal|Invalid argument|Not found|Unavailable|Unsupported|Already exists): /,
  /^Failed to process the request\(s\) for model instance '[^']*', message: /,
  /^Failed to process the request\(s\) for model '[^']*', message: /,
];

const ENDED = 'the process that runs its Python code has ended';

const MEANINGS: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/unable to find backend library for backend '([^']*)'/, ([, name]) => `this Triton has no backend ${name}`],
  [/failed to poll from model repository/, () => 'it cannot read the configuration of the model; the log says why'],
  [/has no available versions|no version is available/, () => 'no version of it could be loaded'],
  [/Stub process '?[^ ]*'? is not healthy/, () => ENDED],
  [
    /ensemble .* depends on '([^']*)'|composing model '?([^' ]*)'? .*not/i,
    ([, one, other]) => `it needs the model ${one ?? other}, which is not loaded`,
  ],
];

/** The cause in a body with an error, as a sentence. */
export function loadSentence(body: string): string {
  let text = errorIn(body).trim();
  for (const prefix of PREFIXES) text = text.replace(prefix, '');
  // Where it happened, in Python's words: the last place is the model's own.
  const [error = '', trace = ''] = text.split(/\n+At:\n/);
  const place = /^\s*(\S+\(\d+\): \w+)/m.exec(trace)?.[1];
  const meaning = MEANINGS.map(([pattern, words]) => ({ match: pattern.exec(error), words })).find(({ match }) => match !== null);
  const plain = error.replace(/[\s;]+$/, '').slice(0, QUOTED_CHARACTERS);
  const sentence = meaning?.match ? meaning.words(meaning.match) : plain === '' ? 'it does not say why' : plain;
  return `${sentence.replace(/\.$/, '')}${place === undefined ? '' : ` (${place})`}.`;
}

function errorIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? error : body;
  } catch {
    return body;
  }
}

/** @param sentence of `loadSentence`. */
export function hasEnded(sentence: string): boolean {
  return sentence.startsWith(ENDED);
}

/**
 * Libraries name the sizes that they met, each in words of its own; what a program calls something,
 * and where its code is, says nothing of the kind.
 */
const SIZES =
  /\b(?:re)?(?:shap|siz)(?:es?|ed|ing)\b|\bdims?\b|\bdimension|broadcast|\baxis\b|\baxes\b|\bheight|\bwidth|\bresolution|\bdivisible\b|\bmultiples? of\b/i;

/** Is another size of the image what would help? @param sentence of `loadSentence`. */
export function speaksOfSizes(sentence: string): boolean {
  const error = sentence.replace(/ \(\S+\(\d+\): \w+\)\.$/, '').replaceAll(/'[^']*'|"[^"]*"|`[^`]*`/g, '');
  return SIZES.test(error);
}

export function saysOutOfMemory(text: string): boolean {
  return OUT_OF_MEMORY.test(text);
}

export function explainExit(exit: Exit, lines: readonly string[]): Explanation {
  const again = { permanent: false, retryWith: null };
  const lineWith = (pattern: RegExp): string | undefined => lines.find((line) => pattern.test(line))?.trim();
  const memory = lineWith(OUT_OF_MEMORY);
  if (memory !== undefined) return { code: 'out-of-memory', message: `Triton ran out of memory (${memory}).`, ...again };
  const library = lineWith(/error while loading shared libraries/);
  if (library !== undefined) {
    const message = `Triton lacks a library (${library.replace(/\.$/, '')}). Set LD_LIBRARY_PATH in triton.env to the folder that has it.`;
    return { code: 'runtime-exited', message, permanent: true, retryWith: null };
  }
  const absent = /(\S+): image not known|No such image: (\S+)|Unable to find image '([^']+)'/.exec(lines.join('\n'));
  if (absent !== null) {
    const image = absent[1] ?? absent[2] ?? absent[3];
    const message = `The image of Triton's container is not here (${image}): pull it with podman or docker, or correct triton.container.image.`;
    return { code: 'runtime-exited', message, permanent: true, retryWith: null };
  }
  if (lineWith(/already in use/) !== undefined)
    return { code: 'runtime-exited', message: `Triton's address is taken (${lineWith(/already in use/)?.replace(/\.$/, '')}).`, ...again };
  if (exit.signal === 'SIGKILL') return { ...killedSentence('Triton', exit), ...again };
  const how = exit.signal === null ? `with code ${exit.code ?? 'unknown'}` : `by signal ${exit.signal}`;
  const last = lines.findLast((line) => line.trim() !== '' && !/^[+|]/.test(line))?.trim();
  const words = last === undefined ? 'It printed nothing.' : `Its last output: ${last}${/[.!?]$/.test(last) ? '' : '.'}`;
  return { code: 'runtime-exited', message: `Triton ended ${how}. ${words}`, ...again };
}
