/**
 * The purposes for which a model is loaded (text, embeddings, ranking), and the allowed types of
 * its cache.
 */

/** A context does one of these. */
export type Purpose = 'generation' | 'embedding' | 'ranking';

/** Types that a KV cache may have; llama.cpp's names. */
export const CACHE_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0', 'iq4_nl'] as const;
export type CacheType = (typeof CACHE_TYPES)[number];
