/**
 * Finds the engine of the state folder, or hosts one in this process. The engine's code is imported
 * only for hosting, because it needs a newer Node than attaching does.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connect } from '../client.ts';
import type { Engine, startEngine } from '../engine/engine.ts';
import { lineWriter } from '../line-writer.ts';
import { nodeProgram, outsideArchive } from '../packaged.ts';
import { errorOf } from './trouble.ts';

/** How long another engine may take to start or to end before it is called stuck. */
const STARTING_LIMIT_MS = 60_000;
const RETRY_MS = 500;

export interface Wanted {
  readonly stateFolder: string;
  /** Null: searched for, as `modelium serve` does. */
  readonly config: string | null;
}

/**
 * @param isEnding nobody waits for it any more.
 * @returns the hosted engine, or null: one of our own runs already, and has proven itself.
 * @throws what keeps it from starting, for `errorOf`.
 */
export async function findOrHost({ stateFolder, config }: Wanted, isEnding: () => boolean): Promise<Engine | null> {
  const endMs = performance.now() + STARTING_LIMIT_MS;
  for (;;) {
    if (await isRunning(stateFolder)) return null;
    try {
      return await host({ stateFolder, config });
    } catch (thrown) {
      // Its folder is locked, but it does not answer: it is just starting, or ending.
      if (errorOf(thrown).code !== 'already-running' || performance.now() > endMs || isEnding()) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function isRunning(stateFolder: string): Promise<boolean> {
  try {
    await connect(stateFolder);
    return true;
  } catch (thrown) {
    if (errorOf(thrown).code === 'not-running') return false;
    throw thrown;
  }
}

async function host({ stateFolder, config }: Wanted): Promise<Engine> {
  const program = outsideArchive(join(__dirname, '..', 'engine', 'engine.js'));
  // An ES module in a bundle of its own: a computed path keeps it out of this one.
  const engine = (await import(pathToFileURL(program).href)) as { readonly startEngine: typeof startEngine };
  const hosted = await engine.startEngine({
    stateFolder,
    config: config ?? undefined,
    program: nodeProgram(),
    write: lineWriter(process.stdout),
  });
  // What nobody caught, in a listener of a socket or a promise that nobody waits for, must not take
  // every model with it.
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, hosted.fault);
  return hosted;
}
