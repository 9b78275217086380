/**
 * Shared by the readers of formats without layers and caches: a minimal profile with the given
 * facts only, and findings about files. Pure.
 */
import { type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import type { ByteSource } from './bytes.ts';
import type { CandidateFile, FormatFindings } from './findings.ts';

/** A profile of these facts; all weights count as read first, since no layers are told apart. */
export function plainProfile(facts: Partial<ModelProfile> & Pick<ModelProfile, 'forms' | 'weightBytes'>): ModelProfile {
  return { ...NOTHING_KNOWN, inputBytes: facts.weightBytes, ...facts };
}

/** Findings that hold nothing against the files. */
export function findings(found: Partial<FormatFindings>): FormatFindings {
  return { expected: new Map(), problems: [], zeroTails: [], profile: null, notes: [], hasWeights: true, ...found };
}

/** Bytes by type, the commonest first; its first is what people call the quantisation. */
export function weightsByType(
  tensors: Iterable<{ readonly type: string; readonly bytes: number }>,
): Pick<ModelProfile, 'weightBytes' | 'weightBytesByType' | 'quantization'> {
  const byType = new Map<string, number>();
  for (const { type, bytes } of tensors) byType.set(type, (byType.get(type) ?? 0) + bytes);
  const ordered = [...byType].toSorted((one, other) => other[1] - one[1]);
  return {
    weightBytes: ordered.reduce((sum, [, bytes]) => sum + bytes, 0),
    weightBytesByType: Object.fromEntries(ordered),
    quantization: ordered[0]?.[0] ?? null,
  };
}

/** A preallocated file whose first bytes have not been written yet is not damaged. */
export function isBlank(source: ByteSource): boolean {
  return source.read(0, Math.min(4096, source.bytes)).every((byte) => byte === 0);
}

export function sumBytes(files: readonly Pick<CandidateFile, 'bytes'>[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}
