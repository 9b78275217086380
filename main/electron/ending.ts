/**
 * Ends the app: on a user's request, after a question if requests would be cut or edits lost, or on
 * a signal. A hosted engine is ended in order and in bounded time; an attached engine is left
 * running.
 */
import type { App } from 'electron';
import { createClient } from '../client.ts';
import type { Engine } from '../engine/engine.ts';
import { askBeforeLosing } from './trouble.ts';

/** Beyond the longest drain and stop; what is left over then is swept by the next start (I2). */
const ENDING_LIMIT_MS = 120_000;
const COUNT_LIMIT_MS = 1_000;

export interface AppEndingPorts {
  /** Null: attached, or not started yet. */
  engine(): Engine | null;
  /** The engine that is being started; null when there is none, or when it could not be. */
  starting(): Promise<Engine | null>;
  /** Requests under way as the page told last; for an engine that does not answer. */
  lastInFlight(): number;
  /** Edits on the page that nobody saved. */
  unsavedCount(): number;
  /** It ends for certain: the window may go. */
  onEnding(): void;
}

export interface Ending {
  readonly isEnding: () => boolean;
  /** A person's wish. */
  quit(): void;
}

export function arrangeEnding(app: App, ports: AppEndingPorts): Ending {
  let state: 'running' | 'asking' | 'ending' = 'running';

  async function end(code: number): Promise<void> {
    state = 'ending';
    ports.onEnding();
    setTimeout(() => app.exit(1), ENDING_LIMIT_MS).unref();
    // One that is half started is ended in order as well: else its books stay open.
    await (ports.engine() ?? (await ports.starting()))?.close();
    app.exit(code);
  }

  async function quit(): Promise<void> {
    if (state !== 'running') return;
    state = 'asking';
    const engine = ports.engine();
    const inFlight = engine === null ? 0 : await countInFlight(engine, ports.lastInFlight());
    const unsavedCount = ports.unsavedCount();
    if (inFlight + unsavedCount > 0 && !(await askBeforeLosing(inFlight, unsavedCount))) {
      // A signal may have come over the question.
      if (state === 'asking') state = 'running';
      return;
    }
    if (state === 'asking') await end(0);
  }

  // Ctrl+Q, the desktop and `app.quit()` of Electron's own all come by here.
  app.on('before-quit', (event) => {
    event.preventDefault();
    void quit();
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (state === 'ending') app.exit(1);
      else void end(0);
    });
  }
  return { isEnding: () => state === 'ending', quit: () => void quit() };
}

async function countInFlight({ address, token }: Engine, otherwise: number): Promise<number> {
  const late = new Promise<number>((resolve) => setTimeout(() => resolve(otherwise), COUNT_LIMIT_MS).unref());
  const counted = createClient(address, token)
    .get<'snapshot'>('/control/snapshot')
    .then(({ models }) => models.reduce((sum, { inFlight, waiting }) => sum + inFlight + waiting, 0))
    .catch(() => otherwise);
  return Promise.race([counted, late]);
}
