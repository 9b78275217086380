/**
 * `modelium serve`: hosts the engine without a window until a signal arrives, and prints what it
 * does.
 */
import type { Engine } from '../engine/engine.ts';
import { lineWriter } from '../line-writer.ts';
import { nodeProgram } from '../packaged.ts';
import { print } from './output.ts';

/** Everything is closed: what still keeps the process is nothing of ours. */
const HELD_MS = 10_000;

export interface ServeOptions {
  readonly stateFolder: string;
  readonly config?: string | undefined;
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly watch?: readonly string[] | undefined;
}

/**
 * @returns 0 after an orderly end. @throws ModeliumError when the engine cannot start: settings,
 * port, another engine.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const stop = stopSignals();
  const engine = await host(options);
  if (process.stdout.isTTY === true) {
    print(pageLine(engine));
    print('Copy a model into the folder, or in another terminal: modelium add PATH. Ctrl-C ends.');
  }
  await Promise.race([stop, engine.closed]);
  await engine.close();
  endIfHeld();
  return 0;
}

/** A question to a disk that never answers keeps the process, even if it is told to exit. */
function endIfHeld(): void {
  const end = (): void => {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  };
  setTimeout(end, HELD_MS).unref();
}

/** Starts the engine in this process; its children run the same Node as we do. */
export async function host(options: Omit<ServeOptions, 'config'> & { readonly config?: string | null | undefined }): Promise<Engine> {
  const { startEngine } = await import('../engine/engine.ts');
  const { stateFolder, config, port, host: address, watch } = options;
  // Who reads our words may go before we do.
  process.stdout.on('error', () => {});
  const engine = await startEngine({
    stateFolder,
    config,
    ...(port === undefined ? {} : { port }),
    ...(address === undefined ? {} : { host: address }),
    ...(watch === undefined ? {} : { watch }),
    program: nodeProgram(),
    write: lineWriter(process.stdout),
  });
  // What nobody caught, in a listener of a socket or a promise that nobody waits for, must not take
  // every model with it.
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, engine.fault);
  return engine;
}

/**
 * Only for a terminal: the fragment holds the control token, which must not get into the log of a
 * service.
 */
export function pageLine(engine: Engine): string {
  return `Open ${engine.address}/#token=${engine.token}`;
}

/**
 * Resolves with the first SIGINT or SIGTERM; the second one ends the process at once, as if we had
 * not caught it.
 */
export function stopSignals(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (!first) process.exit(signal === 'SIGINT' ? 130 : 143);
      first = false;
      process.stderr.write('\nEnding: models are being unloaded. Press Ctrl-C again to end at once.\n');
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
