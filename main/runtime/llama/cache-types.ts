/**
 * Applies the cache type flags of a launch to the size of its KV cache values (16 bits by default).
 * Pure; the server refuses unknown types.
 */
import type { KvCost, KvGroup } from '../../../shared/profile.ts';
import { TENSOR_TYPES } from '../../core/analyzer/gguf-types.ts';

const KEYS = ['--cache-type-k', '-ctk'];
const VALUES = ['--cache-type-v', '-ctv'];
/** What a profile counts in. */
const PROFILE_BYTES = 2;

/**
 * Bytes of one value beside the two of the profile; a type that llama.cpp does not know fails
 * there, with its name.
 */
function shareOf(args: readonly string[], flags: readonly string[]): number {
  // The last one counts, as with llama.cpp.
  const at = args.findLastIndex((arg) => flags.includes(arg));
  const name = at < 0 ? undefined : args[at + 1]?.toUpperCase();
  const type = [...TENSOR_TYPES.values()].find((known) => known.name === name);
  return type === undefined ? 1 : type.blockBytes / type.blockElements / PROFILE_BYTES;
}

/**
 * The cost with the types that `args` name: keys and values are half of a row each, a compressed
 * row (MLA) is kept as keys. What recurrent layers keep is f32 whatever the flags say.
 */
export function withCacheTypes(kv: KvCost, args: readonly string[]): KvCost {
  const keys = shareOf(args, KEYS);
  const values = shareOf(args, VALUES);
  const share = (kind: KvGroup['kind'] | null): number => (kind === 'latent' ? keys : (keys + values) / 2);
  return {
    ...kv,
    bytesPerToken: kv.bytesPerToken * share(null),
    groups: kv.groups.map((group) => ({ ...group, bytesPerToken: group.bytesPerToken * share(group.kind) })),
  };
}
