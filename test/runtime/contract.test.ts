/** Every runtime of the list keeps the contract; planted faults show that it is looked for. */
import { describe, expect, test } from 'vitest';
import type { Adapter, ForeignFacts, ForeignStatus } from '../../main/runtime/adapter.ts';
import { LATER_RUNTIMES, RUNTIMES, runtimesOf } from '../../main/runtime/adapters.ts';
import type { RuntimeModule } from '../../main/runtime/module.ts';
import { http, type Steps, spawn } from '../../main/runtime/step.ts';
import { RUNTIME_IDS, type RuntimeId } from '../../shared/decision.ts';
import { settingsSchema } from '../../shared/settings.ts';
import { FakeRay } from '../fixtures/fake-ray/state.ts';
import { fakeRemote } from '../fixtures/fake-remote/module.ts';
import { fakeServer } from '../fixtures/fake-server/module.ts';
import { faultsOf, type ServerAnswers } from '../helpers/runtime-contract.ts';
import { searchMachine } from '../helpers/searching.ts';

const VERSION = { command: '/venv/bin/vllm', path: '/venv/bin', version: '0.32.0', isCpuBuild: false, architectures: null };
const OPEN = { at: { port: 8123 }, key: null, protocol: 'openai', model: 'a-model', prefix: '/v1' } as const;
const FIRST = RUNTIMES[0]!;
const SOME = FIRST.adapter(searchMachine(), FIRST.notFound);
const LAB = { url: 'http://10.0.0.5:8000/v1', models: 'all', prefix: '' } as const;
const AT_LAB = {
  name: 'lab',
  where: 'lab (http://10.0.0.5:8000/v1)',
  origin: 'http://10.0.0.5:8000',
  prefix: '/v1',
  key: null,
  problem: null,
};
/** Where a search of an empty machine finds nothing to start. */
const FOUND: Partial<Record<RuntimeId, unknown>> = {
  vllm: { install: { found: true, ...VERSION }, about: 'a test' },
  triton: {
    elsewhere: null,
    container: null,
    program: '/opt/tritonserver/bin/tritonserver',
    backendsFolder: '/opt/tritonserver/backends',
    version: '2.51.0',
    isWrong: false,
    backends: ['onnxruntime', 'python'],
    message: 'Triton 2.51.0.',
    about: 'a test',
  },
  ray: { cluster: null, program: '/opt/ray/bin/ray', version: '2.58.0', message: 'Ray 2.58.0.', isWrong: false, about: 'a test' },
  remote: { remotes: [{ ...AT_LAB, settings: LAB }], about: 'a test' },
  mine: { program: '/opt/server', problems: [] },
};
/** Its dashboard answers as the fake cluster does; what is asked of an application is the proof. */
function fakeCluster(): ServerAnswers {
  const cluster = new FakeRay();
  return (step, proof) => {
    if (step.do === 'pack') return { sha1: 'a'.repeat(40), bytes: 1 };
    if (step.do === 'upload') return cluster.handle(step.method, step.path, null);
    if (step.do !== 'http') return undefined;
    if (step.path.startsWith('/api/')) return cluster.handle(step.method, step.path, step.body);
    return { status: proof, body: '{}' };
  };
}

/** With one of those that the settings name. */
const SETTINGS = settingsSchema.parse({
  remotes: { lab: LAB },
  runtimes: { mine: { command: '/opt/server', args: ['--port', '{port}'], env: { API_KEY: '{key}' }, formats: ['gguf', 'safetensors'] } },
});

describe.each([...runtimesOf(SETTINGS), fakeServer, fakeRemote].map((module) => [module.name, module] as const))('%s', (_name, module) => {
  test('keeps the contract', () => {
    expect(faultsOf(module, FOUND[module.id] ?? module.notFound, module.id === 'ray' ? fakeCluster : undefined)).toEqual([]);
  });
});

test('every id has one runtime, of this version or a later one', () => {
  expect([...RUNTIMES, ...LATER_RUNTIMES].map(({ id }) => id).sort()).toEqual([...RUNTIME_IDS].sort());
});

test.each<[string, Partial<Adapter>, RegExp]>([
  [
    'a key for everybody',
    {
      *load(target) {
        yield* spawn('x', [target.modelId], {}, false);
        return OPEN;
      },
    },
    /anybody on this machine/,
  ],
  [
    'no proof',
    {
      *load(target) {
        yield* spawn('x', [target.modelId], {}, false);
        return OPEN;
      },
    },
    /first answer failed/,
  ],
  [
    'a first question without an end',
    {
      *load(target) {
        yield* spawn('x', [target.modelId], {}, false);
        yield* http({ at: OPEN.at, key: null, method: 'GET', path: '/first', body: null, timeoutMs: Number.POSITIVE_INFINITY });
        return OPEN;
      },
    },
    /it asks \/first without a bound/,
  ],
  ['a plan of another', { plan: (...asked) => ({ ...SOME.plan(...asked), runtime: 'ray' }) }, /another runtime/],
  ['too little memory', { estimate: () => ({ bytes: { cpu: 1 }, parts: {}, notes: [] }) }, /less than its weights/],
  [
    'no last words',
    { explainExit: () => ({ code: 'runtime-exited', message: 'It ended.', permanent: false, retryWith: null }) },
    /last words/,
  ],
  [
    'half a guest',
    {
      attach: function* (_id, _path, base) {
        yield { do: 'pause', ms: 0 };
        return base;
      },
    },
    /cannot let go/,
  ],
])('a runtime with %s is found out', (_what, broken, fault) => {
  const module: RuntimeModule = { ...FIRST, adapter: (...facts) => ({ ...FIRST.adapter(...facts), ...broken }) };
  expect(faultsOf(module, FIRST.notFound).join('; ')).toMatch(fault);
});

test.each<[string, (status: ForeignStatus) => ForeignStatus, RegExp]>([
  [
    'is always there',
    (status) => (status.isThere ? status : { isThere: true, endpoint: OPEN, offers: [] }),
    /called there, and gave no list/,
  ],
  ['offers nothing', (status) => ({ ...status, offers: [] }), /does not offer what its server lists/],
  ['says no sentence', (status) => (status.isThere ? status : { ...status, why: 'away' }), /no sentence: away/],
])('a server elsewhere that %s is found out', (_what, broken, fault) => {
  const adapter = fakeRemote.adapter(searchMachine(), null);
  const servers = adapter.servers?.map((facts) =>
    facts.isForeign
      ? {
          ...facts,
          *check() {
            return broken(yield* facts.check());
          },
        }
      : facts,
  );
  expect(faultsOf({ ...fakeRemote, adapter: () => ({ ...adapter, servers: servers! }) }, null).join('; ')).toMatch(fault);
});

test('a server elsewhere that tells the key that is refused is found out', () => {
  const adapter = fakeRemote.adapter(searchMachine(), null);
  const facts = adapter.servers?.[0];
  function* check(): Steps<ForeignStatus> {
    const answer = yield* http({ at: OPEN.at, key: null, method: 'GET', path: '/', body: null, timeoutMs: 1 });
    return { isThere: false, why: `${answer?.body}.`, help: '', offers: [] };
  }
  const told = { ...adapter, servers: [{ ...facts, check } as ForeignFacts] };
  expect(faultsOf({ ...fakeRemote, adapter: () => told }, null).join('; ')).toMatch(/tells the key/);
});
