/**
 * Describes what a model's memory is used for: weights, the cache of its context, and others. Only
 * the cache grows with the context and with parallel requests. Wording only; pure.
 */
import { type Candidate, type LaunchPlan, MEMORY_PARTS, type MemoryPart, type MemoryParts } from './decision.ts';
import { bytesInWords } from './units.ts';

const NAMES: Readonly<Record<MemoryPart, string>> = {
  model: 'weights',
  repacked: 'weights rearranged for this processor',
  kv: 'cache of the context',
  compute: 'working space of one step',
  gpuContext: 'the driver on each GPU',
  server: 'the server program',
  program: 'the server program',
  guess: 'as the settings say',
  learned: 'more, because earlier loads took more',
};

export interface NamedPart {
  readonly part: MemoryPart;
  readonly name: string;
  readonly bytes: number;
}

/** Those that take something, the weights first. `learned` may be below zero: it took less. */
export function namedParts(parts: MemoryParts): readonly NamedPart[] {
  return MEMORY_PARTS.flatMap((part) => {
    const bytes = parts[part] ?? 0;
    const name = part === 'learned' && bytes < 0 ? 'less, because earlier loads took less' : NAMES[part];
    return bytes === 0 ? [] : [{ part, name, bytes }];
  });
}

/** `8,192 tokens for each of 4 requests`: what the cache is for. */
export function cacheFor({ contextTokens, parallelSequences }: Pick<LaunchPlan, 'contextTokens' | 'parallelSequences'>): string {
  const tokens = `${contextTokens.toLocaleString('en')} tokens`;
  return parallelSequences === 1 ? `${tokens} for one request` : `${tokens} for each of ${parallelSequences} requests`;
}

/**
 * `965 MiB: 94 MiB weights, 720 MiB cache of the context, ...`; null where nobody reckoned parts.
 */
export function partsInWords({ parts, bytesNeeded }: Pick<Candidate, 'parts' | 'bytesNeeded'>): string | null {
  const named = namedParts(parts ?? {});
  if (named.length === 0) return null;
  const total = Object.values(bytesNeeded).reduce((sum, bytes) => sum + bytes, 0);
  const words = named.map(({ bytes, name }) => `${bytesInWords(Math.abs(bytes))} ${name}`);
  return `${bytesInWords(total)}: ${words.join(', ')}`;
}
