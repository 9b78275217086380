/** Requests that come as soon as the engine listens, to models that it has never seen. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ModelRecord, Registry } from '../../main/core/registry.ts';
import { eachReadOnce } from '../../main/engine/first-scan.ts';
import { startTestEngine } from '../helpers/engine.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-first-'));
  mkdirSync(join(folder, 'incoming'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the first request of a first start finds the model that lies there, and waits for it', async () => {
  await writeTinyGguf(join(folder, 'incoming'), { name: 'tiny' });
  await writeTinyGguf(join(folder, 'incoming'), { name: 'half' });
  truncateSync(join(folder, 'incoming', 'half.gguf'), 200_000);
  const engine = await startTestEngine({ orchestration: { policies: { load: 'on_request' } } }, { folder });
  try {
    const [list, one, asked, half] = await Promise.all([
      fetch(`${engine.engine.address}/v1/models`).then((answer) => answer.json()),
      fetch(`${engine.engine.address}/v1/models/tiny`),
      engine.predict('tiny'),
      engine.predict('half'),
    ]);
    expect(list).toMatchObject({ data: [{ id: 'tiny' }] });
    expect([one.status, asked.status]).toEqual([200, 200]);
    // One that is not whole is told of, and holds nobody.
    expect([half.status, half.error?.code]).toEqual([503, 'model-settling']);
  } finally {
    await engine.close();
  }
});

test('a file that lacks nothing and does not come to rest, as a program holds it open, holds nobody for long', async () => {
  const clock = createVirtualClock();
  const copy = { bytesPresent: 10, bytesExpected: 10, missing: [] };
  const record = { id: 'open', state: { name: 'settling', copy } } as unknown as ModelRecord;
  const registry = { all: () => [record], onChange: () => () => {} } as unknown as Registry;
  let isBegun = false;
  void eachReadOnce(registry, clock).then(() => {
    isBegun = true;
  });
  await clock.advance(2_000);
  expect(isBegun).toBe(false);
  await clock.advance(1_500);
  expect(isBegun).toBe(true);
});
