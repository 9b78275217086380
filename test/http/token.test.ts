import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { inSlices, SLICE_BYTES } from '../../main/http/in-slices.ts';
import { isOwnAddress } from '../../main/http/own-address.ts';
import { Gatekeeper, hmac, requireBody } from '../../main/http/token.ts';
import { proofHeader } from '../../shared/proofs.ts';

const TOKEN = 'the control token';
const HOST = '127.0.0.1:8000';
let nowMs: number;
let gatekeeper: Gatekeeper;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  gatekeeper = newGatekeeper('one run');
});

function newGatekeeper(run: string): Gatekeeper {
  return new Gatekeeper({ token: TOKEN, run, wallTime: () => nowMs, listens: () => HOST });
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly host: string;
  readonly nonce: string;
  readonly timeMs: number;
}

/** Signs as SECURITY.md says, with nothing of ours but the header's form. */
function signed(changes: Partial<Asked> = {}, key = hmac(TOKEN, '["modelium session","one run"]')) {
  const asked: Asked = {
    method: 'POST',
    url: '/control/plan?x=1',
    body: '{"target":"a"}',
    host: HOST,
    nonce: randomBytes(8).toString('hex'),
    timeMs: nowMs,
    ...changes,
  };
  const { method, url, host, nonce, timeMs } = asked;
  const bodyHash = createHash('sha256').update(asked.body).digest('hex');
  const proof = hmac(key, JSON.stringify(['modelium request', method, host, url, timeMs, nonce, bodyHash]));
  const authorization = proofHeader({ method, address: host, path: url, timeMs, nonce, bodyHash }, proof);
  return { method, url, headers: { host, authorization } };
}

describe('a signed request', () => {
  test('is let in, its answer proves itself, and its body has to be the one that was signed', () => {
    const admitted = gatekeeper.admit(signed());
    expect(admitted.answerProof).toMatch(/^[0-9a-f]{64}$/);
    expect(requireBody(Buffer.from('{"target":"a"}'), admitted).next().done).toBe(true);
    expect(() => requireBody(Buffer.from('{"target":"b"}'), admitted).next()).toThrow(/body/);
    expect(() => requireBody(Buffer.alloc(0), admitted).next()).toThrow(/body/);
  });

  test('of a large body a slice is looked at in each turn, and all of them count', async () => {
    const body = 'x'.repeat(3 * SLICE_BYTES + 1);
    const check = () => requireBody(Buffer.from(body), gatekeeper.admit(signed({ body, nonce: randomBytes(8).toString('hex') })));
    expect(Array.from(check())).toHaveLength(3);
    const other = Buffer.from(body);
    other[2 * SLICE_BYTES] = 0;
    const admitted = gatekeeper.admit(signed({ body }));
    await expect((async () => inSlices(requireBody(other, admitted), () => false))()).rejects.toThrow(/body/);
  });

  test.each<[string, (request: ReturnType<typeof signed>) => object]>([
    ['another method', (request) => ({ ...request, method: 'DELETE' })],
    ['another path', (request) => ({ ...request, url: '/control/plan?x=2' })],
    [
      'another time',
      ({ headers, ...request }) => ({ ...request, headers: { ...headers, authorization: headers.authorization.replace(/\d\./, '1.') } }),
    ],
    [
      'another nonce',
      ({ headers, ...request }) => ({
        ...request,
        headers: { ...headers, authorization: headers.authorization.replace(/\.[0-9a-f]{16}\./, `.${'0'.repeat(16)}.`) },
      }),
    ],
    [
      'another body',
      ({ headers, ...request }) => ({
        ...request,
        headers: { ...headers, authorization: headers.authorization.replace(/\.[0-9a-f]{64}\./, `.${'0'.repeat(64)}.`) },
      }),
    ],
  ])('counts for nothing with %s', (_, change) => {
    expect(() => gatekeeper.admit(change(signed()) as never)).toThrow(expect.objectContaining({ code: 'proof-refused' }));
  });

  test('counts once', () => {
    const request = signed();
    gatekeeper.admit(request);
    expect(() => gatekeeper.admit(request)).toThrow(expect.objectContaining({ code: 'proof-refused' }));
  });

  test('counts for a minute, and not before its time', () => {
    const request = signed();
    const late = signed({ timeMs: nowMs + 61_000 });
    expect(() => gatekeeper.admit(late)).toThrow(/too old/);
    nowMs += 61_000;
    expect(() => gatekeeper.admit(request)).toThrow(/too old/);
  });

  test('counts for one run of the engine, one token, and the address that was asked', () => {
    expect(() => newGatekeeper('the next run').admit(signed())).toThrow(expect.objectContaining({ code: 'proof-refused' }));
    expect(() => gatekeeper.admit(signed({}, hmac('other', '["modelium session","one run"]')))).toThrow(
      expect.objectContaining({ code: 'proof-refused' }),
    );
    const { headers, ...request } = signed();
    const elsewhere = { ...request, headers: { ...headers, host: '127.0.0.1:8001' } };
    expect(() => gatekeeper.admit(elsewhere)).toThrow(expect.objectContaining({ code: 'proof-refused' }));
  });

  test('counts once however many came between', () => {
    const first = signed();
    gatekeeper.admit(first);
    nowMs += 1;
    for (let index = 0; index < 20_001; index += 1) gatekeeper.admit(signed({ body: '' }));
    expect(() => gatekeeper.admit(first)).toThrow(expect.objectContaining({ code: 'proof-refused' }));
    nowMs += 1;
    gatekeeper.admit(signed());
  });
});

test('a script may show the token itself; nothing else is let in', () => {
  expect(gatekeeper.admit({ headers: { host: 'any', authorization: `Bearer ${TOKEN}` } })).toEqual({ answerProof: null, bodyHash: null });
  for (const authorization of [undefined, '', 'Bearer ', 'Bearer other', TOKEN, 'Modelium 1.2.3.4'])
    expect(() => gatekeeper.admit({ headers: { host: HOST, authorization } })).toThrow(expect.objectContaining({ code: 'token-required' }));
});

describe('own addresses', () => {
  const listening = { port: 8000, names: ['127.0.0.1', 'localhost', '[::1]'] };
  test.each<[string, boolean]>([
    ['127.0.0.1:8000', true],
    ['LOCALHOST:8000', true],
    ['[::1]:8000', true],
    ['127.0.0.1:8001', false],
    ['localhost', false],
    ['127.0.0.2:8000', false],
    ['box.example', true],
    ['box.example:9443', true],
    ['', false],
    [':8000', false],
    ['127.0.0.1:8000@evil', false],
  ])('%s: %s', (address, isOwn) => {
    expect(isOwnAddress(address, listening, (name) => name === 'box.example')).toBe(isOwn);
  });

  test('a name of this machine is its own at its own port alone, also where the settings allow it', () => {
    for (const name of ['127.0.0.1', '127.0.0.2', 'localhost', '[::1]', '0.0.0.0'])
      expect(isOwnAddress(`${name}:8001`, listening, () => true)).toBe(false);
    expect(isOwnAddress('localhost:8000', listening, () => true)).toBe(true);
  });

  test('without a port the usual one is meant; before the ports are open there is none', () => {
    expect(isOwnAddress('localhost', { ...listening, port: 80 }, () => false)).toBe(true);
    expect(isOwnAddress('localhost:8000', null, () => false)).toBe(false);
  });
});
