/**
 * The window as the server hands it out: to browsers alone, shielded, and nothing but its own
 * files.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundPage, needsHash } from '../../main/bound-page.ts';
import { type Setup, startSetup } from './harness.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml' };
const MAP = '{"integrity":{"/assets/main-a1b2.js":"sha384-AAAA"}}';
let setup: Setup;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-page-'));
  const page = join(folder, 'page');
  mkdirSync(join(page, 'assets'), { recursive: true });
  writeFileSync(join(page, 'index.html'), `<!doctype html><script type="importmap">${MAP}</script><title>Modelium</title>`);
  writeFileSync(join(page, 'assets', 'main-a1b2.js'), 'export {};');
  writeFileSync(join(folder, 'secret.js'), 'secret');
  mkdirSync(join(page, 'assets', 'folder.js'));
  setup = await startSetup({ page });
});

afterAll(async () => {
  await setup.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As it stands in the request line: fetch would tidy the path up. */
function raw(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: setup.port, path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once('error', reject);
    sent.end();
  });
}

describe('the window', () => {
  it('is the answer for a browser, and the routes as text for the rest', async () => {
    const page = await fetch(`${setup.address}/`, { headers: BROWSER });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('<title>Modelium</title>');
    const text = await fetch(`${setup.address}/`);
    expect(text.headers.get('content-type')).toContain('text/plain');
    expect(await text.text()).toContain('/predict/{model}');
  });

  it('keeps itself to itself', async () => {
    const { headers } = await fetch(`${setup.address}/`, { headers: BROWSER });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(policy).toContain("worker-src 'none'");
    expect(headers.get('integrity-policy')).toBe('blocked-destinations=(script)');
    // One inline script: the import map with the hashes of the build, which its own hash allows.
    expect(policy).toContain(`script-src 'self' 'sha256-${createHash('sha256').update(MAP).digest('base64')}';`);
    const asset = await fetch(`${setup.address}/assets/main-a1b2.js`);
    expect(asset.headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-cache');
  });

  it('is built so that the page names the hash of every script and style', () => {
    const built = join(import.meta.dirname, '../../dist/renderer');
    const html = readFileSync(join(built, 'index.html'), 'utf8');
    const hashOf = (file: string) =>
      `sha384-${createHash('sha384')
        .update(readFileSync(join(built, file)))
        .digest('base64')}`;
    const scripts = readdirSync(join(built, 'assets')).filter((name) => name.endsWith('.js'));
    const { integrity } = JSON.parse(/<script type="importmap">([^<]*)</.exec(html)?.[1] ?? '') as { integrity: object };
    expect(integrity).toEqual(Object.fromEntries(scripts.map((name) => [`/assets/${name}`, hashOf(`/assets/${name}`)])));
    expect(scripts.length).toBeGreaterThan(5);
    const tags = [...html.matchAll(/<(?:script|link)\b[^>]*"(\/assets\/[^"]*\.(?:js|css))"[^>]*>/g)];
    for (const [tag, file = ''] of tags) expect(tag).toContain(`integrity="${hashOf(file)}"`);
    // One style sheet, for a later one would have no hash.
    expect(readdirSync(join(built, 'assets')).filter((name) => name.endsWith('.css'))).toHaveLength(1);
  });

  it.each([
    ['a script of another build', '<head><script src="/assets/other.js"></script></head>', 'other.js'],
    ['an inline script', '<head><script>run()</script></head>', '<script>'],
    ['a style sheet from elsewhere', '<head><link rel="stylesheet" href="https://elsewhere.test/a"></head>', 'elsewhere.test'],
    ['no place for the hashes', '<HEAD lang="en"><script src="/assets/a.js"></script></HEAD>', 'no <head>'],
  ])('is not built with %s', (_what, html, named) => {
    expect(() => boundPage(html, new Map([['/assets/a.js', 'sha384-A']]))).toThrow(named);
  });

  it('has a hash for a script wherever it lies and whatever it is called', () => {
    const hashes = new Map(['/assets/a.js', '/b.mjs', '/assets/c.wasm', '/assets/d.css'].map((file) => [file, `sha384-${file}`]));
    const html = boundPage('<head><script src="/assets/a.js"></script></head>', hashes);
    expect(html).toContain('{"integrity":{"/assets/a.js":"sha384-/assets/a.js","/b.mjs":"sha384-/b.mjs","/assets/c.wasm":');
    expect(['a.js', 'sub/b.mjs', 'c', 'd.css', 'e.svg', 'f.woff2'].filter(needsHash)).toEqual(['a.js', 'sub/b.mjs', 'c', 'd.css']);
  });

  it('is not handed out without its hashes', async () => {
    const page = join(folder, 'unbound');
    mkdirSync(page);
    writeFileSync(join(page, 'index.html'), '<!doctype html><script type="module" src="/assets/main.js"></script>');
    const unbound = await startSetup({ page });
    const answer = await fetch(`${unbound.address}/`, { headers: BROWSER });
    expect([answer.headers.get('content-type'), await answer.text()]).toEqual([
      expect.stringContaining('text/plain'),
      expect.stringContaining('npm run build'),
    ]);
    await unbound.close();
  });

  it('brings assets that never change', async () => {
    const asset = await fetch(`${setup.address}/assets/main-a1b2.js`);
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(await asset.text()).toBe('export {};');
  });

  it('is nothing but its own files', async () => {
    for (const path of [
      '/assets/absent.js',
      '/assets/..%2findex.html',
      '/assets/..%2f..%2fsecret.js',
      '/assets/%2e%2e',
      '/assets/folder.js',
    ]) {
      expect(await raw(path), path).toBe(404);
    }
    expect(await raw('/assets/../../secret.js')).toBe(404);
    expect(await raw('/assets/main-a1b2.js')).toBe(200);
  });

  it('says how to build it where it is not built', async () => {
    const bare = await startSetup();
    const answer = await fetch(`${bare.address}/`, { headers: BROWSER });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('npm run build');
    await bare.close();
  });
});
