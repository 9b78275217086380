/**
 * Analyzers that are broken on purpose, each in one way, for the proof that the harness sees it.
 * They answer as the real one does, and do their harm in the case with the number `HARMFUL` alone.
 * Nothing but `fuzz-worker.ts` runs them.
 */
import { type Analysis, analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import type { CandidateFile } from '../../../main/core/analyzer/findings.ts';
import { MIB } from '../../../shared/units.ts';
import type { Analyzer } from './fuzz-kit.ts';

export const HARMFUL = 7;

/** What outlives a function, as a cache would. */
const kept: unknown[] = [];

function harm(file: CandidateFile): Record<string, () => void> {
  const source = file.open();
  return {
    'keeps what it reads': () => {
      for (let left = 80; left > 0; left -= 1) kept.push(source.read(0, MIB));
    },
    'keeps buffers that it makes': () => {
      for (let left = 80 * 16; left > 0; left -= 1) kept.push(new Uint8Array(MIB / 16));
    },
    'makes one large buffer and lets go of it': () => void new Uint8Array(200 * MIB),
    'makes large buffers with Buffer and lets go of them': () => {
      const pieces = [Buffer.alloc(40 * MIB), Buffer.alloc(40 * MIB)];
      pieces.length = 0;
    },
    'fills the heap': () => {
      for (let left = 2 ** 24; left > 0; left -= 1) kept.push({ left });
    },
    'fills heap and buffers, neither beyond the bound': () => {
      for (let left = 35 * MIB; left > 0; left -= 1024) {
        kept.push(new Array(128).fill(left));
        if (source.work !== undefined) source.work.steps += 1;
      }
      for (let left = 35 * MIB; left > 0; left -= 1024) kept.push(new Uint8Array(1024));
    },
    'reads again and again': () => {
      for (let left = 100_000; left > 0; left -= 1) source.read(0, 64 * 1024);
    },
    'reads again and again, and catches what is thrown': () => {
      for (let left = 10_000; left > 0; left -= 1) {
        try {
          source.read(0, 64 * 1024);
        } catch {}
      }
    },
    'reads a whole file at once': () => void source.read(0, 2 ** 33),
    'reads before the beginning': () => void source.read(-1, 8),
    'takes steps without end': () => {
      while (source.work !== undefined) source.work.steps += 1;
    },
    'throws an error of its own': () => {
      throw new TypeError('Cannot read properties of undefined');
    },
    'never ends': () => {
      for (;;);
    },
    // As on a disk that does not answer: no timer of the process's own ends that.
    'stands still, the whole process': () => void process.kill(process.pid, 'SIGSTOP'),
  };
}

export const BROKEN = Object.keys(harm({ path: '', bytes: 0, open: () => ({ bytes: 0, read: () => new Uint8Array(0) }) }));

export function broken(name: string): Analyzer {
  let cases = 0;
  kept.length = 0;
  return (files, force): Analysis => {
    const [file] = files;
    if (cases === HARMFUL && file !== undefined) harm(file)[name]?.();
    cases += 1;
    return analyzeCandidate(files, force);
  };
}
