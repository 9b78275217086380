/**
 * How it ends: by a person, who is asked when requests would be cut or edits lost, or by a signal.
 * A hosted engine is ended in order and in bounded time; an attached one is none of our business.
 */
import type { App } from 'electron';
import { createClient } from '../client.ts';
import type { Engine } from '../engine/engine.ts';
import { askBeforeLosing } from './trouble.ts';

/** Beyond the longest drain and stop; what is left over then is swept by the next start (I2). */
const ENDING_LIMIT_MS = 120_000;
const COUNT_LIMIT_MS = 1_000;

export interface EndingWorld {
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

export function arrangeEnding(app: App, world: EndingWorld): Ending {
  let state: 'running' | 'asking' | 'ending' = 'running';

  async function end(code: number): Promise<void> {
    state = 'ending';
    world.onEnding();
    setTimeout(() => app.exit(1), ENDING_LIMIT_MS).unref();
    // One that is half started is ended in order as well: else its books stay open.
    await (world.engine() ?? (await world.starting()))?.close();
    app.exit(code);
  }

  async function quit(): Promise<void> {
    if (state !== 'running') return;
    state = 'asking';
    const engine = world.engine();
    const inFlight = engine === null ? 0 : await countInFlight(engine, world.lastInFlight());
    const unsavedCount = world.unsavedCount();
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
