/**
 * A real engine's page and answers with another engine's models: everything goes to the engine but
 * the event stream, which tells of as many models as a test wants, and of changes when it says so.
 */
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EngineEvent, ModelView, Snapshot } from '../../shared/snapshot.ts';
import { RELAY_NAME } from './wire.ts';

export interface Crowd {
  readonly address: string;
  /** An event with these models as they are now. */
  change(models: readonly ModelView[]): void;
  close(): void;
}

export async function startCrowd(engine: string, snapshot: Snapshot): Promise<Crowd> {
  let lastId = 1;
  const followers = new Set<ServerResponse>();
  const send = (event: EngineEvent): void => {
    for (const follower of followers) follower.write(eventText(event));
  };
  const server = createServer((incoming, response) => {
    const { method, url, headers } = incoming;
    // Under this address, which the page and the engine sign.
    const outgoing = request(`${engine}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (url !== '/control/events') return void answer.pipe(response);
      // The head is the engine's, which proves itself in it.
      outgoing.destroy();
      followers.add(response);
      response.write(eventText({ type: 'snapshot', id: lastId, ageMs: 0, snapshot }));
    });
    outgoing.on('error', () => {
      if (!followers.has(response)) response.destroy();
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://${RELAY_NAME}:${(server.address() as AddressInfo).port}`,
    change(models) {
      lastId += 1;
      send({ type: 'change', id: lastId, ageMs: 0, changed: { models }, removedModels: [] });
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function eventText(event: EngineEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}
