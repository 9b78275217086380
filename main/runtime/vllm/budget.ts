/**
 * How much memory a vLLM instance is given on a GPU: the largest cache that is worth its memory and
 * fits. Pure.
 */
import type { BufferBytes, Placement } from '../../../shared/decision.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import { GIB, MIB } from '../../../shared/units.ts';
import { activationBytes, GRAPH_BYTES, onlyReads, sequenceBytes, weightBytesAt } from './estimate.ts';

/** vLLM keeps so much back of what it measures (`redundancy_buffer_memory`). */
const LEARNED_SLACK_BYTES = 150 * MIB;
/**
 * Sequences of the whole context that the cache is planned for, if there is room; more of them
 * share it as long as they are short.
 */
const WHOLE_SEQUENCES = [4, 2, 1] as const;
/** A cache up to this is never worth fewer whole sequences. */
const SMALL_CACHE_BYTES = 2 * GIB;
/** Where room is short, contexts are planned for no less than this. */
const LEAST_CONTEXT_TOKENS = 2048;

export interface Budget {
  /** Context that the cache is planned for. */
  readonly contextTokens: number;
  /** All GPUs together. */
  readonly cacheBytes: number;
  /** What one GPU needs inside of vLLM's share. */
  readonly bytes: number;
}

export interface BudgetWishes {
  readonly contextTokens: number;
  /** A person named the context. */
  readonly isFixed: boolean;
  readonly sequences: number;
  readonly isEager: boolean;
  /** What a device can give at most. */
  readonly mostBytes: number;
  /** What vLLM said that an earlier load took of one device. */
  readonly learned: BufferBytes | undefined;
}

/**
 * The largest cache that is worth its memory and fits on the device: fewer whole sequences first,
 * then a smaller context.
 */
export function budgetOf(profile: ModelProfile, placement: Placement, wishes: BudgetWishes): Budget {
  const gpus = Math.max(1, placement.gpus.length);
  const { learned } = wishes;
  const graphs = wishes.isEager || placement.kind === 'cpu' ? 0 : GRAPH_BYTES;
  // Measured by vLLM itself: weights with what belongs to them, and the peak of the work with the
  // graphs.
  const isLearned = learned !== undefined && learned.modelBytes > 0 && learned.computeBytes > 0 && placement.kind !== 'cpu';
  const fixed = isLearned
    ? learned.modelBytes + learned.computeBytes + LEARNED_SLACK_BYTES
    : weightBytesAt(profile, placement) / gpus + activationBytes(profile, wishes.sequences) + graphs;
  const most = Math.max(SMALL_CACHE_BYTES, profile.weightBytes);
  const counts = onlyReads(profile) ? ([1] as const) : WHOLE_SEQUENCES;
  const budget = (contextTokens: number, count: number): Budget => {
    const cacheBytes = Math.ceil(count * sequenceBytes(profile, contextTokens, placement));
    return { contextTokens, cacheBytes, bytes: Math.ceil(cacheBytes / gpus + fixed) };
  };
  let smallest = budget(wishes.contextTokens, 1);
  for (const count of counts) {
    const tried = budget(wishes.contextTokens, count);
    if (tried.bytes <= wishes.mostBytes && (count === 1 || tried.cacheBytes <= most)) return tried;
  }
  while (smallest.bytes > wishes.mostBytes && !wishes.isFixed && smallest.contextTokens > LEAST_CONTEXT_TOKENS) {
    smallest = budget(Math.max(LEAST_CONTEXT_TOKENS, Math.floor(smallest.contextTokens / 2)), 1);
  }
  return smallest;
}
