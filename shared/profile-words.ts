/**
 * Describes parts of a model's profile in words, for the command line and the window. Pure; returns
 * null for unknown values.
 */
import type { KvCost, ModelProfile } from './profile.ts';
import { smallBytesInWords } from './units.ts';

/** `32, 8 for keys and values`. */
export function headsInWords({ heads, kvHeads }: Pick<ModelProfile, 'heads' | 'kvHeads'>): string | null {
  if (heads === null) return null;
  return kvHeads === null || kvHeads === heads ? String(heads) : `${heads}, ${kvHeads} for keys and values`;
}

/** `128, 8 for each token`. */
export function expertsInWords({ experts }: Pick<ModelProfile, 'experts'>): string | null {
  if (experts === null) return null;
  return `${experts.count}${experts.used === null ? '' : `, ${experts.used} for each token`}`;
}

/**
 * `136 KiB a token (layers: 5 full, 29 sliding of 1,024 tokens)`: by kind of layer where they
 * differ, which is what a long context costs or spares.
 */
export function cacheInWords({ bytesPerToken, bytesPerSequence, exact, groups }: KvCost): string | null {
  const most = exact ? '' : 'at most ';
  const parts = [
    ...(bytesPerToken > 0 ? [`${most}${smallBytesInWords(bytesPerToken)} a token`] : []),
    ...(bytesPerSequence > 0 ? [`${most}${smallBytesInWords(bytesPerSequence)} a sequence`] : []),
  ];
  if (parts.length === 0) return null;
  const kinds = groups.map(({ kind, layers, windowTokens }) => {
    const window = windowTokens === null ? '' : ` of ${windowTokens.toLocaleString('en')} tokens`;
    return `${layers} ${kind}${window}`;
  });
  const differ = groups.length > 1 || groups.some(({ kind }) => kind !== 'full');
  return `${parts.join(' and ')}${differ ? ` (layers: ${kinds.join(', ')})` : ''}`;
}
