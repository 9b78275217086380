/**
 * The sentence for a process that was killed. It blames a lack of memory only if the kernel counted
 * such a kill. Pure; all runtimes use it.
 */
import type { Exit } from '../core/process-ports.ts';
import type { Explanation } from './adapter.ts';

/** @param who as the sentence names it: `llama.cpp`, `a worker of vLLM (VllmWorker-1)`. */
export function killedSentence(who: string, { outOfMemory }: Exit): Pick<Explanation, 'code' | 'message'> {
  if (outOfMemory === true) {
    const message = `The system ended ${who} (SIGKILL) because main memory ran out. Free memory, or take a smaller model or context.`;
    return { code: 'out-of-memory', message };
  }
  const killer =
    outOfMemory === false
      ? 'a person or another program, because the kernel counted no kill for lack of memory'
      : 'a person, another program, or the system for lack of main memory';
  return { code: 'runtime-exited', message: `Somebody ended ${who} (SIGKILL): ${killer}.` };
}
