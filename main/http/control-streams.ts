/**
 * The event streams of /control: snapshots with changes, and log lines. Bounded: a slow reader is
 * disconnected, and can resume.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EngineEvent } from '../../shared/snapshot.ts';
import type { Control } from '../core/gateway.ts';
import type { Clock } from '../core/ports.ts';
import { whenClosed } from './leaving.ts';
import { EVENT_STREAM_HEADERS } from './respond.ts';
import { withoutSecrets } from './secrets.ts';

/** Proxies and browsers give a silent connection up after 30 to 60 s. */
const HEARTBEAT_MS = 15_000;
/** A few snapshots of a thousand models (I10). */
const UNREAD_BYTES = 16 * 1024 * 1024;

/**
 * Streams that are open now, so that closing the server can end them: by themselves they never
 * would.
 */
export type OpenStreams = Set<ServerResponse>;

export interface StreamPorts {
  readonly control: Control;
  readonly clock: Clock;
  readonly open: OpenStreams;
}

/**
 * Every change after the one that `Last-Event-ID` names; a snapshot first when there is none, or
 * when that is too long ago.
 */
export function streamEvents(ports: StreamPorts, request: IncomingMessage, response: ServerResponse): void {
  const lastId = Number(request.headers['last-event-id'] ?? Number.NaN);
  const send = openStream(ports, response);
  const unsubscribe = ports.control.subscribe(Number.isSafeInteger(lastId) ? lastId : null, (event: EngineEvent) => {
    send(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event, withoutSecrets)}\n\n`);
  });
  whenClosed(response, unsubscribe);
}

/**
 * The last lines, then those that come: `data: {"line": "..."}`. @param model null: the engine's
 * own log.
 */
export function streamLogs(ports: StreamPorts, model: string | null, response: ServerResponse, shown: (line: string) => string): void {
  const { lines, follow } = ports.control.logs(model);
  const send = openStream(ports, response);
  const sendLine = (line: string) => send(`data: ${JSON.stringify({ line: shown(line) })}\n\n`);
  for (const line of lines) sendLine(line);
  whenClosed(response, follow(sendLine));
}

function openStream(ports: StreamPorts, response: ServerResponse): (text: string) => void {
  response.writeHead(200, EVENT_STREAM_HEADERS);
  response.flushHeaders();
  ports.open.add(response);
  let stopHeartbeat = () => {};
  function send(text: string): void {
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > UNREAD_BYTES) response.destroy();
    else response.write(text);
  }
  function beat(): void {
    stopHeartbeat = ports.clock.after(HEARTBEAT_MS, () => {
      send(': still here\n\n');
      beat();
    });
  }
  beat();
  whenClosed(response, () => {
    stopHeartbeat();
    ports.open.delete(response);
  });
  return send;
}
