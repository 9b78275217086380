/**
 * Opens the port: on loopback only, on IPv6's loopback as well as IPv4's, with a helpful error if
 * the port is taken.
 */
import { createServer, type Server } from 'node:net';
import { ModeliumError } from '../../shared/errors.ts';
import type { Log } from '../core/ports.ts';
import type { Listening } from './own-address.ts';

const PORTS_TRIED = 50;
/**
 * Connections that wait to be taken: clients that send thousands of requests at once are told 429,
 * not cut off. The system may allow fewer.
 */
const BACKLOG = 4_096;
const LAST_PORT = 65_535;

/**
 * Refuses an address that others could reach: there is no API key yet that would keep them out.
 * @throws ModeliumError host-needs-key.
 */
export function requireLoopback(host: string): void {
  if (host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)) return;
  throw new ModeliumError(
    'host-needs-key',
    `api.host is ${host}: beyond this machine an API key would be required, and this version has none. It listens on 127.0.0.1 only.`,
  );
}

/**
 * Listens on `host`; for the usual loopback address on [::1] too, since `localhost` leads there
 * first on many machines.
 * @param port 0: any free one.
 * @returns the address for people and clients, and all that lead here.
 * @throws ModeliumError port-taken.
 */
export async function listenOnLoopback(
  first: Server,
  second: Server,
  host: string,
  port: number,
  log: Log,
): Promise<Listening & { readonly address: string }> {
  requireLoopback(host);
  const both = host === '127.0.0.1' || host === 'localhost';
  const name = both ? '127.0.0.1' : host;
  // Once they listen: what fails at one connection, such as taking it, concerns no other one.
  const lastingError = (error: Error) => log.warn(`A connection could not be accepted: ${error.message}.`);
  const bound = await open(first, name, port).catch(async (thrown: unknown) => {
    throw await explained(thrown, name, port);
  });
  first.on('error', lastingError);
  const written = name.includes(':') ? `[${name}]` : name;
  const names = [written];
  if (both) {
    const isShared = await open(second, '::1', bound).then(
      () => false,
      (thrown: unknown) => codeOf(thrown) === 'EADDRINUSE',
    );
    // Without IPv6 there is nothing to miss; another program on [::1] gets what clients send to
    // `localhost`.
    if (isShared) log.warn(`Another program holds [::1]:${bound}: use 127.0.0.1 in place of localhost.`);
    else names.push('localhost', '[::1]');
    second.on('error', lastingError);
  }
  return { address: `http://${written}:${bound}`, port: bound, names };
}

function open(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG, ipv6Only: host.includes(':') }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function explained(thrown: unknown, host: string, port: number): Promise<unknown> {
  const code = codeOf(thrown);
  if (code === 'EACCES') return new ModeliumError('port-taken', `This user may not open port ${port} on ${host}.`, { cause: thrown });
  if (code === 'EADDRNOTAVAIL') return new ModeliumError('port-taken', `This machine has no address ${host}.`, { cause: thrown });
  if (code !== 'EADDRINUSE') return thrown;
  const free = await nextFree(host, port + 1);
  const advice = free === null ? '' : ` Port ${free} is free.`;
  return new ModeliumError('port-taken', `Port ${port} on ${host} is taken by another program.${advice}`, { cause: thrown });
}

async function nextFree(host: string, from: number): Promise<number | null> {
  for (let port = from; port < from + PORTS_TRIED && port <= LAST_PORT; port += 1) {
    const probe = createServer();
    const isFree = await open(probe, host, port).then(
      () => true,
      () => false,
    );
    if (isFree) {
      await new Promise((resolve) => probe.close(resolve));
      return port;
    }
  }
  return null;
}

function codeOf(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : null;
}
