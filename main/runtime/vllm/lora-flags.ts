/** The flags that enable LoRAs in a vLLM launch. Pure. */
import type { LaunchSettings } from '../../core/decide/planner.ts';
import { MOST_RANK } from './supports.ts';

/** vLLM takes ranks from a list (`MaxLoRARanks`); all that are loaded at once share the batch. */
const RANKS = [8, 16, 32, 64, 128, 256, 320, 512] as const;
const MOST_LORAS_AT_ONCE = 4;

export function loraFlags(loras: LaunchSettings['loras']): readonly string[] {
  if (loras === undefined) return [];
  const rank = RANKS.find((each) => each >= loras.maxRank) ?? MOST_RANK;
  const most = String(Math.min(MOST_LORAS_AT_ONCE, loras.count));
  return ['--enable-lora', '--max-loras', most, '--max-lora-rank', String(rank)];
}
