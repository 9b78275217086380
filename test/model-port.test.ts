/**
 * A program of another user that takes a model's port before its server does, and answers as the
 * model would: a real engine, real processes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createProcesses } from '../main/io/processes/processes.ts';
import { startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

/** Listens at the port that is written into the file, and is well; every question is answered. */
const IMPOSTOR = `
  const { existsSync, readFileSync } = require('node:fs');
  const answer = { choices: [{ index: 0, text: 'mine', message: { role: 'assistant', content: 'mine' }, finish_reason: 'stop' }], usage: {} };
  const server = require('node:http').createServer((request, response) => {
    request.resume();
    response.end(JSON.stringify(request.url === '/health' ? { status: 'ok' } : answer));
  });
  const look = setInterval(() => {
    const port = existsSync(process.argv[1]) ? Number(readFileSync(process.argv[1], 'utf8')) : 0;
    if (!(port > 0)) return;
    clearInterval(look);
    server.listen(port, '127.0.0.1', () => console.log('listens'));
  }, 5);
  console.log('waits');
`;

test.runIf(IS_ROOT)("the port of another user's program is no model's port", { timeout: 120_000 }, async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-port-'));
  chmodSync(folder, 0o755);
  const told = join(folder, 'port');
  const impostor = spawn(process.execPath, ['--eval', IMPOSTOR, told], {
    uid: NOBODY,
    gid: NOBODY,
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
  });
  onTestFinished(() => {
    impostor.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  await once(impostor.stdout, 'data');
  // A server that is slow to listen: it says its port, and waits.
  const slow = join(folder, 'slow');
  writeFileSync(slow, `#!/bin/sh\n[ -e '${told}' ] || echo "$1" > '${told}'\nexec sleep 600\n`, { mode: 0o755 });
  const live = await startLiveEngine({
    settings: {
      gpus: { use: 'none' },
      host: { reserve_mb: 0 },
      orchestration: { policies: { load: 'on_request' } },
      runtimes: { slow: { command: slow, args: ['{port}'], formats: ['gguf'], memory_mb: 10, port_range: [16_700, 16_790] } },
    },
    prepare: ({ watch }) => writeTinyGguf(watch, { name: 'tiny', contextTokens: 512 }),
  });
  onTestFinished(() => live.close());
  await live.comesTo('tiny', 'unloaded');
  const { status, text } = await live.predict('tiny');
  expect([status, text]).toEqual([
    503,
    expect.stringMatching(/A program of another user \(65534\) took the port 167\d\d of tiny at the same moment/),
  ]);
  expect(text).not.toContain('mine');
});

test('whose program listens at a port', async ({ onTestFinished }) => {
  const own = createServer().listen(0, '::');
  await once(own, 'listening');
  onTestFinished(() => void own.close());
  const { port } = own.address() as { port: number };
  expect(await createProcesses().strangerAt(port, [])).toBeNull();
  if (!IS_ROOT) return;
  const [command, ...args] = [
    process.execPath,
    '--eval',
    "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))",
  ];
  const other = spawn(command!, args, { uid: NOBODY, gid: NOBODY, stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  onTestFinished(() => void other.kill('SIGKILL'));
  const theirs = Number(String(((await once(other.stdout, 'data')) as [Buffer])[0]));
  expect(await createProcesses().strangerAt(theirs, [process.pid])).toBe(NOBODY);
  // A launch may become another user.
  expect(await createProcesses().strangerAt(theirs, [other.pid!])).toBeNull();
});
