/**
 * Executes the step `ask`: runs a small program and returns the lines that it prints. Kills the
 * program when its time is up.
 */
import type { Clock } from '../core/ports.ts';
import type { Processes } from '../core/process-ports.ts';
import type { Step } from './step.ts';

const MOST_LINES = 1_000;

export interface AskPorts {
  readonly clock: Clock;
  readonly processes: Pick<Processes, 'launch' | 'identify' | 'signal'>;
}

/** @throws Error where it cannot be started. */
export async function askProgram(
  { clock, processes }: AskPorts,
  { command, args, env, timeoutMs }: Extract<Step, { do: 'ask' }>,
): Promise<readonly string[]> {
  // Its channel ends with us, and it with its channel.
  const child = await processes.launch({ command, args, env, cwd: null, ipc: true }).catch((error: Error) => {
    // No failure of ours: whoever asked says what it means that this program cannot be asked.
    throw new Error(error.message);
  });
  const identity = processes.identify(child.pid);
  const cancel = clock.after(timeoutMs, () => processes.signal(identity === null ? [] : [identity], 'SIGKILL', null));
  const lines: string[] = [];
  child.onLine((line) => {
    if (lines.length < MOST_LINES) lines.push(line);
  });
  await child.exited;
  cancel();
  return lines;
}
