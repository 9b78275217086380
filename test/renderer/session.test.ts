/** Page and engine prove themselves to each other; here the engine's part is its own gatekeeper. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Gatekeeper } from '../../main/http/token.ts';

const TOKEN = 'the control token';
const HOST = '127.0.0.1:8000';

type Session = typeof import('../../renderer/session.ts');

const kept = new Map<string, string>();
let engine: Gatekeeper | null;

const newEngine = (run: string, token = TOKEN, listens = HOST) =>
  new Gatekeeper({ token, run, wallTime: () => Date.now(), listens: () => listens });

/** The page, loaded anew: it keeps what the browser keeps. */
async function load(): Promise<Session> {
  vi.resetModules();
  return await import('../../renderer/session.ts');
}

/** Whoever listens now answers each challenge. */
function answer(): void {
  vi.stubGlobal('fetch', async (_path: string, { body }: { readonly body: string }) => {
    if (engine === null) throw new TypeError('nobody listens');
    return Response.json(engine.prove((JSON.parse(body) as { readonly nonce: string }).nonce, HOST));
  });
}

beforeEach(() => {
  kept.clear();
  engine = newEngine('one run');
  vi.stubGlobal('location', { host: HOST, href: `http://${HOST}/`, hash: '', pathname: '/' });
  vi.stubGlobal('sessionStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => void kept.set(name, text),
  });
  answer();
});
afterEach(() => vi.unstubAllGlobals());

test('a page that came from the engine warns before a reload while nobody has proven itself, with or without the token', async () => {
  const first = await load();
  expect(first.isAlone()).toBe(false);
  first.keepToken(TOKEN);
  await first.provenSession();
  expect(first.isAlone()).toBe(false);
  first.distrust();
  expect(first.isAlone()).toBe(true);
  await first.provenSession();
  expect(first.isAlone()).toBe(false);

  const reloaded = await load();
  expect(reloaded.isAlone()).toBe(false);
  expect((await reloaded.provenSession()).run).toBe('one run');
  expect([reloaded.controlToken(), reloaded.isAlone()]).toEqual([null, false]);
  reloaded.distrust();
  engine = null;
  await expect(reloaded.provenSession()).rejects.toMatchObject({ code: 'not-running' });
  expect(reloaded.isAlone()).toBe(true);
  vi.stubGlobal('fetch', () => new Promise(() => {}));
  void reloaded.provenSession();
  expect(reloaded.isAlone()).toBe(true);
  reloaded.distrust();
  answer();
  engine = newEngine('the next run');
  await expect(reloaded.provenSession()).rejects.toMatchObject({ code: 'token-required' });
  expect(reloaded.isAlone()).toBe(true);
});

test('what the browser keeps is worth nothing after that run, and holds no token', async () => {
  const page = await load();
  page.keepToken(TOKEN);
  await page.provenSession();
  const all = JSON.stringify([...kept]);
  expect(all).not.toContain(TOKEN);
  const { key } = JSON.parse([...kept.values()][0] ?? '') as { readonly key: string };
  const { authorization } = await page.sign({ run: 'one run', key, aheadMs: 0 }, { method: 'GET', path: '/control/snapshot', body: '' });
  const asked = { method: 'GET', url: '/control/snapshot', headers: { host: HOST, authorization } };
  expect(() => newEngine('the next run').admit(asked)).toThrow(expect.objectContaining({ code: 'proof-refused' }));
  expect(engine?.admit(asked).answerProof).toMatch(/^[0-9a-f]{64}$/);
});

test('who took the port cannot pass questions on to the engine elsewhere: not of a new page, nor after a reload, nor when the token is given again', async () => {
  const page = await load();
  page.keepToken(TOKEN);
  engine = newEngine('one run', TOKEN, '127.0.0.1:9000');
  await expect(page.provenSession()).rejects.toMatchObject({ code: 'not-running' });
  expect([...kept]).toEqual([]);
  engine = newEngine('one run');
  await page.provenSession();
  const reloaded = await load();
  engine = newEngine('the next run', TOKEN, '127.0.0.1:9000');
  await expect(reloaded.provenSession()).rejects.toMatchObject({ code: 'token-required' });
  for (const asked of [reloaded, await load()]) {
    asked.keepToken(TOKEN);
    await expect(asked.provenSession()).rejects.toMatchObject({
      code: 'not-running',
      message: expect.stringContaining('The engine is at http://127.0.0.1:9000;'),
    });
  }
  engine = newEngine('a later run');
  expect((await reloaded.provenSession()).run).toBe('a later run');
});

test('who passes a question on cannot write another address into the answer, nor ask by another one', async () => {
  const page = await load();
  page.keepToken(TOKEN);
  await page.provenSession();
  for (const [listens, asked] of [
    ['127.0.0.1:9000', HOST],
    [HOST, '127.0.0.1:9000'],
  ] as const) {
    const elsewhere = newEngine('one run', TOKEN, listens);
    vi.stubGlobal('fetch', async (_path: string, { body }: { readonly body: string }) =>
      Response.json({ ...elsewhere.prove((JSON.parse(body) as { readonly nonce: string }).nonce, asked), listens: HOST }),
    );
    page.distrust();
    await expect(page.provenSession()).rejects.toMatchObject({ code: 'not-running' });
  }
});

test('who cannot prove itself is a stranger: another token, another address, or the engine at another one', async () => {
  const page = await load();
  page.keepToken(TOKEN);
  await page.provenSession();
  for (const stranger of [newEngine('one run', 'another token'), newEngine('one run', TOKEN, '127.0.0.1:9000')]) {
    engine = stranger;
    page.distrust();
    await expect(page.provenSession()).rejects.toMatchObject({ code: 'not-running' });
  }
  engine = newEngine('the next run');
  expect((await page.provenSession()).run).toBe('the next run');
});
