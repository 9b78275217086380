/** The memory that a model has, in the states in which that counts. Pure. */
import { HOST_DEVICE } from '../../shared/decision.ts';
import type { ModelView } from '../../shared/snapshot.ts';

/** Bytes on the devices that count: measured where it runs, else what was predicted. */
export function memoryOf({
  measuredBytes,
  predictedBytes,
}: Pick<ModelView, 'measuredBytes' | 'predictedBytes'>): { readonly bytes: number; readonly measured: boolean } | null {
  const bytes = measuredBytes ?? predictedBytes;
  if (bytes === null) return null;
  const gpu = Object.entries(bytes).reduce((sum, [id, held]) => (id === HOST_DEVICE ? sum : sum + held), 0);
  return { bytes: gpu > 0 ? gpu : (bytes[HOST_DEVICE] ?? 0), measured: measuredBytes !== null };
}
