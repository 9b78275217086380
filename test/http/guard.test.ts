import { describe, expect, it } from 'vitest';
import { type GuardedHeaders, guard, guardRules } from '../../main/http/guard.ts';

const PLAIN = guardRules({ host: '127.0.0.1', allowed_hosts: ['Box.example'], cors_origins: [] });
const WITH_PAGE = guardRules({ host: '127.0.0.1', allowed_hosts: [], cors_origins: ['https://page.example/'] });
const OPEN = guardRules({ host: '127.0.0.1', allowed_hosts: [], cors_origins: ['*'] });
const WITH_PATTERNS = guardRules({ host: '127.0.0.1', allowed_hosts: ['*.tunnel.example'], cors_origins: ['http://localhost:*'] });

const LOCAL = 'localhost:8000';

const TABLE: readonly [string, GuardedHeaders, typeof PLAIN, string][] = [
  ['localhost with a port', { host: LOCAL }, PLAIN, 'ok'],
  ['localhost without', { host: 'localhost' }, PLAIN, 'ok'],
  ['upper case', { host: 'LOCALHOST:1' }, PLAIN, 'ok'],
  ['IPv4', { host: '127.0.0.1:9' }, PLAIN, 'ok'],
  ['IPv6', { host: '[::1]:8000' }, PLAIN, 'ok'],
  ['IPv6 without a port', { host: '[::1]' }, PLAIN, 'ok'],
  ['an allowed name', { host: 'box.EXAMPLE:8000' }, PLAIN, 'ok'],
  ['a rebound name', { host: 'evil.example:8000' }, PLAIN, 'host-not-allowed'],
  ['a name that begins like ours', { host: 'localhost.evil.example' }, PLAIN, 'host-not-allowed'],
  ['a whole name with its dot', { host: 'localhost.:8000' }, PLAIN, 'ok'],
  ['a rebound name with a dot', { host: 'evil.example.:8000' }, PLAIN, 'host-not-allowed'],
  ['user info', { host: 'localhost@evil.example' }, PLAIN, 'host-not-allowed'],
  ['another address', { host: '192.168.0.7:8000' }, PLAIN, 'host-not-allowed'],
  ['the any address', { host: '0.0.0.0:8000' }, PLAIN, 'ok'],
  ['the any address of IPv6', { host: '[::]:8000' }, PLAIN, 'ok'],
  ['another loopback address', { host: '127.0.1.1:8000' }, PLAIN, 'ok'],
  ['a name that begins like an address', { host: '127.0.0.1.evil.example' }, PLAIN, 'host-not-allowed'],
  ["the any address, from another program's page", { host: '0.0.0.0:8000', origin: 'https://evil.example' }, PLAIN, 'origin-not-allowed'],
  ['a program in a container', { host: 'host.docker.internal:8000' }, PLAIN, 'ok'],
  ['a program in a container of Podman', { host: 'host.containers.internal:8000' }, PLAIN, 'ok'],
  ['a page under that name', { host: 'host.docker.internal:8000', origin: 'http://host.docker.internal:8000' }, PLAIN, 'host-not-allowed'],
  ['a name below an allowed ending', { host: 'a.b.tunnel.example:8000' }, WITH_PATTERNS, 'ok'],
  ['the ending itself', { host: 'tunnel.example' }, WITH_PATTERNS, 'host-not-allowed'],
  ['a name that only ends alike', { host: 'eviltunnel.example' }, WITH_PATTERNS, 'host-not-allowed'],
  ['no host', {}, PLAIN, 'host-not-allowed'],
  ['an empty host', { host: '' }, PLAIN, 'host-not-allowed'],
  ['our own page', { host: LOCAL, origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' }, PLAIN, 'ok'],
  ['our own page behind TLS', { host: 'box.example', origin: 'https://box.example' }, PLAIN, 'ok'],
  ['a foreign origin', { host: LOCAL, origin: 'https://evil.example' }, PLAIN, 'origin-not-allowed'],
  ['another port of this machine', { host: LOCAL, origin: 'http://localhost:3000' }, PLAIN, 'origin-not-allowed'],
  ['a sandboxed frame', { host: LOCAL, origin: 'null' }, PLAIN, 'origin-not-allowed'],
  ['an extension', { host: LOCAL, origin: 'chrome-extension://abc' }, PLAIN, 'origin-not-allowed'],
  ['a cross-site image', { host: LOCAL, 'sec-fetch-site': 'cross-site' }, PLAIN, 'origin-not-allowed'],
  ['the address bar', { host: LOCAL, 'sec-fetch-site': 'none' }, PLAIN, 'ok'],
  [
    'a configured origin',
    { host: LOCAL, origin: 'https://page.example', 'sec-fetch-site': 'cross-site' },
    WITH_PAGE,
    'https://page.example',
  ],
  ['its neighbour', { host: LOCAL, origin: 'https://page.example.evil' }, WITH_PAGE, 'origin-not-allowed'],
  ['null, when one origin is configured', { host: LOCAL, origin: 'null' }, WITH_PAGE, 'origin-not-allowed'],
  ['any port of localhost', { host: LOCAL, origin: 'http://localhost:3000' }, WITH_PATTERNS, 'http://localhost:3000'],
  ['a name that begins with localhost', { host: LOCAL, origin: 'http://localhost.evil.example:3000' }, WITH_PATTERNS, 'origin-not-allowed'],
  ['any origin', { host: LOCAL, origin: 'https://any.example' }, OPEN, 'https://any.example'],
  ['any origin at a foreign name', { host: 'evil.example', origin: 'https://any.example' }, OPEN, 'host-not-allowed'],
];

describe('guard', () => {
  it.each(TABLE)('%s', (_name, headers, rules, expected) => {
    const verdict = guard(headers, rules);
    const seen = verdict.refused === null ? (verdict.corsOrigin ?? 'ok') : verdict.refused.code;
    expect(seen).toBe(expected);
  });

  it.each(['host.docker.internal:8000', 'mybox:8000'])('tells %s in one sentence how it is let in', (host) => {
    const { refused } = guard({ host, origin: `http://${host}` }, PLAIN);
    expect(refused?.message).toContain(`add "${host.slice(0, -5)}" to api.allowed_hosts`);
  });
});
