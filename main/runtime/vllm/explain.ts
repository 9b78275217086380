/**
 * Explains why vLLM ended, in one sentence with figures and a next step. Pure. Its last line is
 * often only "See root cause above"; the cause is up to 120 lines earlier, in a worker's output.
 * Each pattern here was seen in the output of vLLM 0.32 (test/fixtures/vllm) or is in its source.
 */
import type { Exit } from '../../core/process-ports.ts';
import type { Explanation } from '../adapter.ts';
import { killedSentence } from '../killed.ts';
import { MEMORY_REASONS } from './memory-reasons.ts';
import { MODEL_REASONS } from './model-reasons.ts';
import { bare } from './words.ts';

/** In the order of trust: the first pattern that any line matches explains the exit. */
const REASONS = [...MEMORY_REASONS, ...MODEL_REASONS];
const DEAD_WORKER = /Worker proc (\S+) died unexpectedly \(exit code: (-?\d+)\)/;

/** Why the process ended, with a next step. */
export function explainExit(exit: Exit, lines: readonly string[]): Explanation {
  const bareLines = lines.map(bare);
  for (const { pattern, code = 'runtime-exited', permanent = false, sentence, retryWith } of REASONS) {
    for (const line of bareLines) {
      const match = pattern.exec(line);
      if (match !== null) return { code, message: sentence(match), permanent, retryWith: retryWith?.(match, bareLines) ?? null };
    }
  }
  const [, worker, code] = bareLines.map((line) => DEAD_WORKER.exec(line)).find((match) => match !== null) ?? [];
  // One of its processes that was killed takes the others along: they end by themselves, with a
  // code.
  const killed = killedPart(code === '-9' ? worker : undefined, exit, bareLines);
  if (killed !== null) return { ...killedSentence(killed, exit), permanent: false, retryWith: null };
  if (worker !== undefined) {
    const message = `A worker of vLLM (${worker}) died with code ${code}. \`modelium logs\` shows its last output.`;
    return { code: 'runtime-exited', message, permanent: false, retryWith: null };
  }
  const how = exit.signal === null ? `with code ${exit.code ?? 'unknown'}` : `by signal ${exit.signal}`;
  return { code: 'runtime-exited', message: `vLLM ended ${how}. ${causeOf(bareLines)}`, permanent: false, retryWith: null };
}

/** What of it was killed; null: nothing was. @param worker the one that vLLM says was. */
function killedPart(worker: string | undefined, exit: Exit, bareLines: readonly string[]): string | null {
  if (worker !== undefined) return `a worker of vLLM (${worker})`;
  if (exit.signal === 'SIGKILL') return 'vLLM';
  return exit.outOfMemory === true && namedCause(bareLines) === undefined ? 'a process of vLLM' : null;
}

/** The first error by name is the cause; what follows only wraps it. */
function namedCause(bareLines: readonly string[]): string | undefined {
  return bareLines.find(
    (line) => /^\w*(?:Error|Exception): \S/.test(line) && !/Engine core initialization failed|EngineDeadError/.test(line),
  );
}

function causeOf(bareLines: readonly string[]): string {
  const dead = bareLines.find((line) => /EngineDeadError|EngineCore encountered a fatal error/.test(line));
  const cause = namedCause(bareLines);
  if (cause !== undefined) return `The cause, as vLLM reports it: ${cause.trim().slice(0, 400)}`;
  if (dead !== undefined) return 'Its engine process died while serving.';
  const last = bareLines.findLast((line) => line.trim() !== '');
  return last === undefined ? 'It printed nothing.' : `Its last output: ${last.trim().slice(0, 400)}`;
}
