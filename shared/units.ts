/**
 * Formats figures for users, the same in the log, on the command line and in the window. Memory is
 * always in GiB and MiB, never in GB.
 */

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

/**
 * `5.2 GiB`, below one GiB in MiB; what is less than one MiB (a file of code, a tiny model) in KiB,
 * and `0 MiB` for nothing.
 */
export function bytesInWords(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(1)} GiB`;
  return bytes > 0 && bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / MIB)} MiB`;
}

/**
 * For what is small where it counts, as a token's share of a cache: `1.5 KiB`, `136 KiB`, from a
 * MiB on as `bytesInWords`.
 */
export function smallBytesInWords(bytes: number): string {
  return bytes >= MIB ? bytesInWords(bytes) : `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;
}

/** GiB with one decimal and no unit, for figures that stand side by side: `17.2`. */
export function gibibytes(bytes: number): string {
  return (bytes / GIB).toFixed(1);
}

/** `21 s`, below ten with a tenth. */
export function secondsInWords(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/**
 * `starting 5.2 s, reading weights 21 s`: phases of a load that took a tenth of a second or more.
 */
export function phasesInWords(phaseSeconds: Readonly<Record<string, number>>): string {
  const long = Object.entries(phaseSeconds).filter(([, seconds]) => seconds >= 0.1);
  return long.map(([phase, seconds]) => `${phase} ${secondsInWords(seconds)}`).join(', ');
}

/** `240 ms`, from a second on as seconds. @param ms milliseconds, not negative. */
export function millisecondsInWords(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : secondsInWords(ms / 1_000);
}

/** Tokens a second: `4.2`, `42`, `28,905`. */
export function speedInWords(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
}

/**
 * A span of which nobody counts the seconds: `42 s`, `5 min`, `3 h`. @param ms milliseconds, not
 * negative.
 */
export function longSpan(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/**
 * A span that is counted while one looks: `4:12`, above an hour `2 h 5 min`. @param ms
 * milliseconds, not negative.
 */
export function clockSpan(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** `1,234`; `135 M`, `7.2 B` from a million on. */
export function countInWords(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(count >= 1e10 ? 0 : 1)} B`;
  if (count >= 1e6) return `${Math.round(count / 1e6)} M`;
  return count.toLocaleString('en');
}

/** `62 %`. @param ratio 0..1. */
export function percent(ratio: number): string {
  return `${Math.round(Math.min(1, Math.max(0, ratio)) * 100)} %`;
}
