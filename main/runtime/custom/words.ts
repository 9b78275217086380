/**
 * Interprets the output of a custom server by common conventions: percentages are progress, and
 * some phrases mean that memory ran out. Pure.
 */
import type { Exit } from '../../core/process-ports.ts';
import type { Explanation, Progress } from '../adapter.ts';
import { killedSentence } from '../killed.ts';

const PERCENT = /(?<![\d.])(\d{1,3})(?:\.\d+)? ?%/;
/** What loading is called. A percent of memory, of a cache or of a processor is no progress. */
const LOADS = /load|shard|weight|tensor|layer|fetch|download|read|compil|warm|captur|convert|prepar|progress|\|[█▏▎▍▌▋▊▉# ]*\|/i;
const OF_MEMORY = /memory|vram|cache|utili[sz]ation|\bcpu\b|\bgpu\b|quota|usage/i;
const OUT_OF_MEMORY =
  /cudaMalloc failed: out of memory|CUDA (?:error: )?out of memory|OutOfMemoryError|ErrorOutOfDeviceMemory|std::bad_alloc|Cannot allocate memory|\bMemoryError\b|failed to allocate .*buffer/i;
const PORT_TAKEN = /EADDRINUSE|address already in use|couldn't bind/i;

export function progressOf(line: string): Progress | null {
  if (!LOADS.test(line) || OF_MEMORY.test(line)) return null;
  const percent = Number(PERCENT.exec(line)?.[1] ?? Number.NaN);
  return percent <= 100 ? { phase: 'loading', progress: percent / 100, isSilent: true } : null;
}

/** @param id what the settings call it. */
export function explainExit(id: string, exit: Exit, lines: readonly string[]): Explanation {
  const lineWith = (pattern: RegExp): string | undefined => lines.find((line) => pattern.test(line))?.trim();
  const memory = lineWith(OUT_OF_MEMORY);
  const again = { permanent: false, retryWith: null };
  if (memory !== undefined) {
    const message = `${id} ran out of memory (${memory}). Free memory, or set a smaller models.NAME.context.`;
    return { code: 'out-of-memory', message, ...again };
  }
  if (lineWith(PORT_TAKEN) !== undefined) {
    const message = `Another program took the port of ${id} at the same moment. The next attempt uses another port of runtimes.${id}.port_range.`;
    return { code: 'runtime-exited', message, ...again };
  }
  if (exit.signal === 'SIGKILL') return { ...killedSentence(id, exit), ...again };
  const how = exit.signal === null ? `with code ${exit.code ?? 'unknown'}` : `by signal ${exit.signal}`;
  const last = lines.findLast((line) => line.trim() !== '')?.trim();
  const words = last === undefined ? 'It printed nothing.' : `Its last output: ${last}${/[.!?]$/.test(last) ? '' : '.'}`;
  return { code: 'runtime-exited', message: `${id} ended ${how}. ${words}`, ...again };
}
