/**
 * Triton in a container as users meet it, by a program with podman's command line
 * (test/fixtures/triton/podman.ts).
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { readText } from '../main/io/processes/proc.ts';
import { writeOnnx } from './core/analyzer/synthetic-onnx.ts';
import { eventually } from './helpers/eventually.ts';
import { startLiveEngine } from './helpers/live-engine.ts';

vi.setConfig({ testTimeout: 120_000 });

const PROGRAM = join(import.meta.dirname, 'fixtures/triton/podman.ts');

interface Container {
  readonly id: string;
  readonly labels: readonly string[];
  readonly pid: number;
}

test('it is started in a container, which ends with a client that is killed and is removed at the next start, and no container of others is touched', async ({
  onTestFinished,
}) => {
  let state = '';
  const theirs: Container = { id: 'f'.repeat(64), labels: ['modelium.owner=somebody-else'], pid: process.pid };
  const settings = (image: string) => ({ gpus: { use: 'none' }, triton: { container: { image, program: './podman', folders: ['.'] } } });
  const live = await startLiveEngine({
    settings: settings('triton:test'),
    prepare({ folder }) {
      state = join(folder, 'containers');
      mkdirSync(state);
      writeFileSync(join(state, `${theirs.id}.container`), JSON.stringify(theirs));
      writeFileSync(join(folder, 'podman'), `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} ${state} "$@"\n`);
      chmodSync(join(folder, 'podman'), 0o755);
    },
  });
  onTestFinished(() => live.close());
  const containers = () =>
    readdirSync(state)
      .filter((name) => name.endsWith('.container'))
      .map((name) => JSON.parse(readFileSync(join(state, name), 'utf8')) as Container);
  const ours = () => containers().filter(({ id }) => id !== theirs.id);
  const runtimes = (await live.control('GET', '/control/snapshot')).json.runtimes as { id: string; message: string }[];
  expect(runtimes.find(({ id }) => id === 'triton')?.message).toContain('run --rm --pull never');

  mkdirSync(join(live.watch, 'net'));
  writeFileSync(join(live.watch, 'net/net.onnx'), writeOnnx());
  await live.comesTo('net', 'ready', 60_000);
  const asked = { inputs: { x: [[1, 2, 3, 4]] } };
  expect((await live.predict('net', asked)).status).toBe(200);
  const [first] = ours();
  // It is watched, measured and found after a crash as a process of ours: the process table has it.
  const database = new DatabaseSync(join(live.state, 'modelium.db'), { readOnly: true });
  const rows = database.prepare('SELECT members FROM processes').all();
  database.close();
  expect(rows.flatMap(({ members }) => JSON.parse(String(members))).map(({ pid }: { pid: number }) => pid)).toContain(first?.pid);
  const isThere = (pid: number | undefined) => readdirSync('/proc').includes(String(pid));
  // The client is killed as by the kernel: what it had started is no child of it, and ends all the
  // same.
  const client = readdirSync('/proc').find((pid) => {
    const line = /^\d+$/.test(pid) ? (readText(`/proc/${pid}/cmdline`) ?? '') : '';
    return line.includes(PROGRAM) && line.includes(state) && line.includes('\0run\0');
  });
  process.kill(Number(client), 'SIGKILL');
  await live.comesTo('net', 'unloaded', 60_000);
  await eventually('what the container ran has ended', () => !isThere(first?.pid));
  // What is left of the container itself goes before the next one starts.
  expect(ours().map(({ id }) => id)).toEqual([first?.id]);
  expect((await live.predict('net', asked)).status).toBe(200);
  expect([ours().length, ours()[0]?.id === first?.id]).toEqual([1, false]);

  await live.control('POST', '/control/models/net/unload', {});
  await live.comesTo('net', 'unloaded', 60_000);
  await eventually('its container went with the last model', () => ours().length === 0);
  expect(containers()).toEqual([theirs]);

  await live.set(settings('triton:absent'));
  const refused = await live.predict('net', asked);
  expect(refused.json.error.message).toContain('is not here (triton:absent): pull it with podman or docker');
});
