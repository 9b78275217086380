/** The flags with which a launch of vLLM takes LoRA adapters. Pure. */
import type { LaunchSettings } from '../../core/decide/planner.ts';
import { MOST_RANK } from './supports.ts';

/** vLLM takes ranks from a list (`MaxLoRARanks`); all that are loaded at once share the batch. */
const RANKS = [8, 16, 32, 64, 128, 256, 320, 512] as const;
const MOST_ADAPTERS_AT_ONCE = 4;

export function loraFlags(adapters: LaunchSettings['adapters']): readonly string[] {
  if (adapters === undefined) return [];
  const rank = RANKS.find((each) => each >= adapters.maxRank) ?? MOST_RANK;
  const most = String(Math.min(MOST_ADAPTERS_AT_ONCE, adapters.count));
  return ['--enable-lora', '--max-loras', most, '--max-lora-rank', String(rank)];
}
