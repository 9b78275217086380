/**
 * Decides which addresses belong to the engine: those on which it listens, and the names that the
 * settings allow. Pure.
 */
import { isLoopbackName } from './guard.ts';

/** Where the ports were opened. */
export interface Listening {
  readonly port: number;
  /** As clients write them: `127.0.0.1`, `localhost`, `[::1]`. */
  readonly names: readonly string[];
}

/**
 * @param address host and port, as in a Host header.
 * @param listening null before the ports are open.
 * @param allowed is this name among api.allowed_hosts? Those are taken at any port, since tunnels
 * and proxies have ports of their own; but not this machine's names for itself, at whose other
 * ports anybody's programs listen.
 */
export function isOwnAddress(address: string, listening: Listening | null, allowed: (name: string) => boolean): boolean {
  const [, name = '', port = '80'] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(address.toLowerCase()) ?? [];
  if (name === '') return false;
  return (allowed(name) && !isLoopbackName(name)) || (listening?.names.includes(name) === true && Number(port) === listening.port);
}
