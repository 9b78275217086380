/** Prometheus' own port: /metrics and nothing else, behind the same guard as the API. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Connections } from './connections.ts';
import { guard, guardRules } from './guard.ts';
import { listenOnLoopback } from './listen.ts';
import { sendError, sendText } from './respond.ts';
import { pathOf } from './routes.ts';
import { UnreadBodies } from './unread.ts';

export interface MetricsServerOptions {
  readonly settings: () => Settings;
  readonly metricsText: () => Promise<string | Buffer>;
  readonly clock: Clock;
  readonly log: Log;
  /** Those of all our ports. */
  readonly connections: Connections;
}

export interface MetricsServer {
  /** Null when the port is taken: a warning, for /metrics of the API's port remains. */
  listen(): Promise<{ readonly address: string } | null>;
  close(): Promise<void>;
}

const KEEP_ALIVE_MS = 65_000;

export function createMetricsServer(options: MetricsServerOptions): MetricsServer {
  const unread = new UnreadBodies(options.clock);
  function newServer(): Server {
    return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      unread.follow(response);
      options.connections.asked(response, () => answer(request, response));
    });
  }
  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { refused } = guard(request.headers, guardRules(options.settings().api));
    if (refused !== null) return sendError(response, refused);
    if (pathOf(request.url ?? '') !== '/metrics') {
      return sendError(response, new ModeliumError('route-not-found', 'This port has /metrics only.'));
    }
    options.metricsText().then(
      (text) => sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', text),
      (thrown: unknown) => sendError(response, toModeliumError(thrown)),
    );
  }
  const first = newServer();
  const second = newServer();
  for (const server of [first, second]) options.connections.follow(server);
  return {
    async listen() {
      try {
        return await listenOnLoopback(first, second, '127.0.0.1', options.settings().metrics.port, options.log);
      } catch (thrown) {
        options.log.warn(`No metrics port: ${toModeliumError(thrown).message} Metrics are at /metrics of the API's port all the same.`);
        return null;
      }
    },
    async close() {
      for (const server of [first, second]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
