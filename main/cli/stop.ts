/**
 * `modelium stop`: ends the engine that runs for this state folder, in order, and waits until it
 * has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ModeliumError } from '../../shared/errors.ts';
import { connect } from '../client.ts';
import { readEngineFile } from '../io/engine-file.ts';
import { createProgress, print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

/** Longer than a drain of requests in flight takes by default. */
const LONGEST_MS = 120_000;
const STEP_MS = 100;

export async function stop({ stateFolder, json }: Shared): Promise<number> {
  // It proves itself first: a number of a process in a file that a killed engine left may be
  // anybody's by now.
  const engine = await connect(stateFolder);
  const pid = readEngineFile(stateFolder)?.pid;
  if (pid === undefined) throw new ModeliumError('not-running', 'The engine has just ended.');
  process.kill(pid, 'SIGTERM');
  const progress = createProgress();
  for (let waitedMs = 0; lives(pid); waitedMs += STEP_MS) {
    if (waitedMs >= LONGEST_MS)
      throw new ModeliumError(
        'still-alive',
        `The engine (process ${pid}) still waits for its models after ${LONGEST_MS / 1000} s. \`kill ${pid}\` ends it at once.`,
      );
    if (waitedMs >= 1_000) progress.show('The engine unloads its models ...', null);
    await sleep(STEP_MS);
  }
  progress.end();
  if (json) printJson({ address: engine.address, pid });
  else print(`The engine at ${engine.address} has ended.`);
  return 0;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
