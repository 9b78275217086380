/**
 * The window as the server hands it out: to browsers alone, shielded, and nothing but its own
 * files.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Setup, startSetup } from './harness.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml' };
let setup: Setup;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-page-'));
  const page = join(folder, 'page');
  mkdirSync(join(page, 'assets'), { recursive: true });
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>Modelium</title>');
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
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-cache');
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
