/**
 * A cluster of our own with a real program behind real ports: the fake cluster of the fixtures,
 * started as `ray` is. And a folder as a zip, over HTTP.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import type { ProcessRow } from '../../../main/core/process-ports.ts';
import type { ModelRecord } from '../../../main/core/registry.ts';
import { createClock } from '../../../main/io/clock.ts';
import { machineFiles } from '../../../main/io/files/machine-files.ts';
import { createUpstreams } from '../../../main/io/http-client.ts';
import { createProcesses } from '../../../main/io/processes/processes.ts';
import { createScratchFolders } from '../../../main/io/processes/scratch.ts';
import { loadTarget } from '../../../main/runtime/load-target.ts';
import { rayAdapter } from '../../../main/runtime/ray/adapter.ts';
import { NOT_FOUND } from '../../../main/runtime/ray/find.ts';
import { Servers } from '../../../main/runtime/servers.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import { DEFAULT_SETTINGS } from '../../../shared/settings.ts';
import { textProfile } from '../../helpers/core-box.ts';
import { searchMachine } from '../../helpers/searching.ts';

const http = createUpstreams();
const temporary = mkdtempSync(join('/tmp', 'mr-'));
afterAll(async () => {
  await http.close();
  rmSync(temporary, { recursive: true, force: true });
});

const LIMITS = { stallMs: 30_000, maxMs: 60_000 };
const FORM = { kind: 'transformers', files: ['model.safetensors'], codeFiles: [] } as const;
const profile: ModelProfile = { ...textProfile(1024), kind: 'embedding', architecture: 'BertModel', forms: [FORM] };

test('is started for the first model, serves two beside each other, and ends with the last one', async () => {
  const program = join(temporary, 'ray');
  const fixture = join(import.meta.dirname, '../../fixtures/fake-ray/program.ts');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${fixture}" "$@"\n`, { mode: 0o755 });
  const app = join(import.meta.dirname, '../../../main/runtime/ray/app');
  const machine = searchMachine({ env: process.env, programs: { ...searchMachine().programs, rayApp: app } });
  const adapter = rayAdapter(machine, { ...NOT_FOUND, program });
  const rows = new Map<string, ProcessRow>();
  const servers = new Servers({
    clock: createClock(),
    http,
    machineFiles: machineFiles,
    processes: createProcesses(),
    scratch: createScratchFolders(temporary, '/tmp'),
    // As long as the product's: the folder named after it has to leave room for Ray's sockets.
    onReport: () => {},
    adapter: () => adapter,
    randomWord: () => randomBytes(24).toString('base64url'),
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
  const [server] = adapter.servers ?? [];
  const hostOf = (id: string) => {
    const record = { id, realPath: temporary, kind: 'folder', profile } as ModelRecord;
    const plan = adapter.plan(profile, FORM, { kind: 'cpu', gpus: [], gpuLayers: null }, {});
    const host = servers.host(server!.name, adapter, id);
    const target = loadTarget(record, { plan } as never, null);
    return { host, load: host.run(adapter.load(target), LIMITS, new AbortController().signal, () => {}) };
  };
  const hosts = [hostOf('a'), hostOf('b')];
  const endpoints = await Promise.all(hosts.map(({ load }) => load));
  expect(endpoints.map(({ prefix, model }) => [prefix, model])).toEqual([
    ['/modelium-a-test-a/v1', 'a'],
    ['/modelium-a-test-b/v1', 'b'],
  ]);
  // Both lists of applications were put by us at once, and neither has lost the other's.
  expect([servers.pids().length > 0, rows.size, endpoints[0]?.key === endpoints[1]?.key]).toEqual([true, 1, false]);
  await Promise.all(hosts.map(({ host }) => host.stop()));
  expect([servers.state(server!.name), servers.pids(), rows.size]).toEqual(['absent', [], 0]);
});

test('a folder goes over HTTP as one zip, named by its content; links that lead out of it stay behind', async () => {
  const folder = join(temporary, 'model');
  mkdirSync(join(folder, '1_Pooling'), { recursive: true });
  writeFileSync(join(folder, 'config.json'), '{"a": 1}');
  writeFileSync(join(folder, '1_Pooling/config.json'), '');
  writeFileSync(join(folder, 'weights.bin'), 'secret code');
  writeFileSync(join(temporary, 'outside'), 'nobody wants this sent');
  symlinkSync(join(temporary, 'outside'), join(folder, 'link.txt'));
  symlinkSync(join(folder, 'config.json'), join(folder, 'copy.json'));
  const packing = { below: 'modelium_model', mostBytes: 1000, without: ['.bin'] };
  const packed = await machineFiles.pack(folder, packing);
  let sent = Buffer.alloc(0);
  const receiver = createServer(async (request, response) => {
    sent = await buffer(request);
    expect([request.method, Number(request.headers['content-length'])]).toEqual(['PUT', sent.length]);
    // Ray refuses what browsers send.
    expect(Object.keys(request.headers).filter((name) => /^sec-|origin|referer/.test(name))).toEqual([]);
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => receiver.once('listening', listening));
  const at = { port: (receiver.address() as AddressInfo).port };
  const request = { method: 'PUT', path: '/x', folder, packing, contentType: 'application/zip', timeoutMs: 5_000 } as const;
  await http.upload({ at, key: null }, { ...request, signal: new AbortController().signal });
  receiver.close();
  expect(sent.length).toBe(packed.bytes);
  expect(namesIn(sent)).toEqual(['modelium_model/1_Pooling/config.json', 'modelium_model/config.json', 'modelium_model/copy.json']);
  expect(sent.includes('{"a": 1}')).toBe(true);
  expect(sent.includes('nobody wants')).toBe(false);
  expect((await machineFiles.pack(folder, packing)).sha1).toBe(packed.sha1);
  writeFileSync(join(folder, 'config.json'), '{"a": 2}');
  expect((await machineFiles.pack(folder, packing)).sha1).not.toBe(packed.sha1);
  await expect(machineFiles.pack(folder, { ...packing, mostBytes: 3 })).rejects.toThrow(/more than 3 bytes/);
});

/** Of the central directory. Source: APPNOTE.TXT of PKWARE, 4.3.12 and 4.3.16. */
function namesIn(zip: Buffer): readonly string[] {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const found: string[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const length = zip.readUInt16LE(at + 28);
    found.push(zip.toString('utf8', at + 46, at + 46 + length));
    at += 46 + length + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return found;
}
