/** What a row and the drawer say of a model. Pure. */
import { HOST_DEVICE } from '../../../shared/decision.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import type { ModelView, PaceView } from '../../../shared/snapshot.ts';
import { bytesInWords, countInWords, millisecondsInWords } from '../../../shared/units.ts';

/** `chat · 135 M · Q4_1 · 94 MiB`. */
export function profileInWords(profile: ModelProfile | null): string {
  if (profile === null) return '';
  const { kind, parameters, quantization, weightBytes } = profile;
  return [kind, parameters === null ? null : countInWords(parameters), quantization, bytesInWords(weightBytes)].filter(Boolean).join(' · ');
}

/** Bytes on the devices that count: measured where it runs, else what was predicted. */
export function memoryOf({ measuredBytes, predictedBytes }: ModelView): { readonly bytes: number; readonly measured: boolean } | null {
  const bytes = measuredBytes ?? predictedBytes;
  if (bytes === null) return null;
  const gpu = Object.entries(bytes).reduce((sum, [id, held]) => (id === HOST_DEVICE ? sum : sum + held), 0);
  return { bytes: gpu > 0 ? gpu : (bytes[HOST_DEVICE] ?? 0), measured: measuredBytes !== null };
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
  const speed = pace.tokensPerSecond === null ? [] : [`${pace.tokensPerSecond.toFixed(pace.tokensPerSecond < 10 ? 1 : 0)} tokens/s`];
  return [...speed, `p50 ${millisecondsInWords(pace.p50Ms)}, p95 ${millisecondsInWords(pace.p95Ms)}`];
}

export function requestsInWords({ inFlight, waiting, queriesPerSecond }: ModelView): string {
  const parts = [
    ...(inFlight > 0 ? [`${inFlight} running`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(queriesPerSecond > 0 ? [`${queriesPerSecond.toFixed(2)}/s`] : []),
  ];
  return parts.join(' · ');
}
