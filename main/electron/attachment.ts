/**
 * Follows the engine that the window is attached to: waits for it, checks its proof, and notices at
 * once when it ends. It never starts an engine.
 */
import { connect, type EngineClient } from '../client.ts';

const RETRY_MS = 1_000;

export interface Attachment {
  /** Null while it is away. */
  client(): EngineClient | null;
  close(): void;
}

export interface AttachmentEvents {
  /** It is there and has proven itself: the first time, and each time that it comes back. */
  onFound(client: EngineClient): void;
  onLost(): void;
}

export function attach(stateFolder: string, { onFound, onLost }: AttachmentEvents): Attachment {
  const closed = new AbortController();
  let client: EngineClient | null = null;

  async function follow(): Promise<void> {
    while (!closed.signal.aborted) {
      client = await connect(stateFolder).catch(() => null);
      if (client !== null && !closed.signal.aborted) {
        onFound(client);
        await untilItGoes(client, closed.signal);
        client = null;
        if (!closed.signal.aborted) onLost();
      }
      await pause(RETRY_MS, closed.signal);
    }
  }

  void follow();
  return { client: () => client, close: () => closed.abort() };
}

/**
 * A stream that says little: its connection ends with the engine's process, however that ends. From
 * then on the fences let nothing out, token included, until an engine has proven itself again; what
 * was sent in the instant before went to a port that nobody held.
 */
async function untilItGoes(client: EngineClient, signal: AbortSignal): Promise<void> {
  await client.follow('/control/logs?follow=true', () => true, signal).catch(() => undefined);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
