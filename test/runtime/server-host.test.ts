/** The server host with a real program behind a real port: the fake server of the fixtures. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ProcessRow } from '../../main/core/process-ports.ts';
import type { ModelRecord } from '../../main/core/registry.ts';
import { createClock } from '../../main/io/clock.ts';
import { machineFiles } from '../../main/io/files/machine-files.ts';
import { createUpstreams } from '../../main/io/http-client.ts';
import { createProcesses } from '../../main/io/processes/processes.ts';
import { createScratchFolders } from '../../main/io/processes/scratch.ts';
import { loadTarget } from '../../main/runtime/load-target.ts';
import { Servers } from '../../main/runtime/servers.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';
import { FAKE_SERVER, fakeServerAdapter } from '../fixtures/fake-server/module.ts';
import { textProfile } from '../helpers/core-box.ts';
import { searchMachine } from '../helpers/searching.ts';

const http = createUpstreams();
const temporary = mkdtempSync(join(tmpdir(), 'ms-'));
afterAll(async () => {
  await http.close();
  rmSync(temporary, { recursive: true, force: true });
});

const profile: ModelProfile = {
  ...textProfile(1024),
  forms: [{ kind: 'onnx', files: ['m.onnx'], codeFiles: [], inputs: [{ name: 'x', type: 'FP32', shape: [2] }] }],
};
const LIMITS = { stallMs: 20_000, maxMs: 20_000 };

test('starts one process for two models, proves each by tensors, tells both when it ends, and leaves nothing behind', async () => {
  const rows = new Map<string, ProcessRow>();
  const adapter = fakeServerAdapter(searchMachine(), ['--exit-at-load', 'poison']);
  const servers = new Servers({
    clock: createClock(),
    http,
    machineFiles: machineFiles,
    processes: createProcesses(),
    scratch: createScratchFolders('/state', temporary),
    onReport: () => {},
    adapter: () => adapter,
    randomWord: () => crypto.randomUUID().slice(0, 8),
    bootId: () => 'boot',
    policies: () => DEFAULT_SETTINGS.orchestration.policies,
    settings: () => DEFAULT_SETTINGS,
    probe: { sampleNow: async () => ({ atMs: 0, devices: [] }), setFast: () => {}, onSample: () => {} },
    log: { say: () => {}, warn: () => {}, error: () => {}, debug: () => {} },
    table: {
      intend: (row) => void rows.set(row.launchId, row),
      record: (launchId, leader, members) => void rows.set(launchId, { ...rows.get(launchId)!, leader, members }),
      erase: (launchId) => void rows.delete(launchId),
      rows: () => [...rows.values()],
    },
  });
  const hostOf = (id: string) => {
    const record = { id, realPath: `/models/${id}`, kind: 'folder', profile } as ModelRecord;
    const [form] = profile.forms;
    const plan = adapter.plan(profile, form!, { kind: 'cpu', gpus: [], gpuLayers: null }, {});
    const host = servers.host(FAKE_SERVER, adapter, id);
    const load = host.run(adapter.load(loadTarget(record, { plan } as never, null)), LIMITS, new AbortController().signal, () => {});
    return { host, load };
  };
  const [a, b] = [hostOf('a'), hostOf('b')];
  const endpoints = await Promise.all([a.load, b.load]);
  expect([endpoints[0].at, endpoints.map(({ model }) => model), servers.pids().length, rows.size]).toEqual([
    endpoints[1].at,
    ['a', 'b'],
    1,
    1,
  ]);
  const broken: string[] = [];
  a.host.onBreak((how) => void broken.push(`a ${how}`));
  b.host.onBreak((how) => void broken.push(`b ${how}`));
  await a.host.stop();
  // A model that takes the server down takes those who live in it along, and the word of it is the
  // server's.
  const poison = hostOf('poison');
  await expect(poison.load).rejects.toThrow(/ended with 7/);
  expect(broken).toEqual(['b exited']);
  await Promise.all([b.host.stop(), poison.host.stop()]);
  expect([servers.state(FAKE_SERVER), servers.pids(), rows.size]).toEqual(['absent', [], 0]);
});
