/** The texts about a model in its row and its drawer. Pure. */
import type { ModelProfile } from '../../../shared/profile.ts';
import type { ModelView, PaceView } from '../../../shared/snapshot.ts';
import { bytesInWords, countInWords, millisecondsInWords, speedInWords } from '../../../shared/units.ts';
import * as texts from '../../texts.ts';

/** `chat · 135 M · Q4_1 · 94 MiB`. */
export function profileInWords(profile: ModelProfile | null): string {
  if (profile === null) return '';
  const { kind, parameters, quantization, weightBytes } = profile;
  return [kind, parameters === null ? null : countInWords(parameters), quantization, bytesInWords(weightBytes)].filter(Boolean).join(' · ');
}

/** Worth a second line in the table: what a person should read before anything else. */
export function isWordy({ state }: ModelView): boolean {
  return state !== 'ready' && state !== 'unloaded' && state !== 'draining';
}

/**
 * `42 tokens/s` and `240 ms, 95 %: 1.2 s`: how fast it answered lately; nothing where nobody asked.
 */
export function paceInWords(pace: PaceView | null): readonly string[] {
  if (pace === null) return [];
  const speed = pace.tokensPerSecond === null ? [] : [texts.common.speed(speedInWords(pace.tokensPerSecond))];
  return [...speed, texts.models.percentiles(millisecondsInWords(pace.p50Ms), millisecondsInWords(pace.p95Ms))];
}

/** How many run is said by its state. */
export function requestsInWords({ waiting, queriesPerSecond }: ModelView): readonly string[] {
  const rate = queriesPerSecond > 0 ? [texts.models.requestsPerSecond(queriesPerSecond.toFixed(2))] : [];
  return waiting > 0 ? [texts.models.waiting(waiting), ...rate] : rate;
}
