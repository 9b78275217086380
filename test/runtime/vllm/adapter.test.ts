/** The steps of a load on vLLM, answered from a table: no process, no socket. */
import { expect, test } from 'vitest';
import type { LoadTarget } from '../../../main/runtime/adapter.ts';
import type { Step } from '../../../main/runtime/step.ts';
import { vllmAdapter } from '../../../main/runtime/vllm/adapter.ts';
import { NOTHING_KNOWN } from '../../../shared/profile.ts';
import { DEFAULT_SETTINGS } from '../../../shared/settings.ts';

const adapter = vllmAdapter({
  settings: DEFAULT_SETTINGS.vllm,
  install: { found: true, command: '/venv/bin/vllm', path: '/venv/bin:/usr/bin', version: '0.32.0', isCpuBuild: true, architectures: null },
  gpus: { isPresent: false, why: 'no GPU' },
  gpu: () => null,
  reserveBytes: 0,
  sleeps: false,
  cpuCores: 2,
});

function targetOf(proof: LoadTarget['proof']): LoadTarget {
  const profile = { ...NOTHING_KNOWN, architecture: 'LlamaForCausalLM' };
  const form = { kind: 'transformers', files: ['config.json'], codeFiles: [] } as const;
  const plan = adapter.plan(profile, form, { kind: 'cpu', gpus: [], gpuLayers: null }, {});
  return { modelId: 'm', path: '/models/m', file: '/models/m/config.json', plan, profile, proof };
}

/** Runs the load; `health` and `proof` are the answers of the server, in their order. */
function drive(proof: LoadTarget['proof'], health: readonly (number | null)[], answered: number) {
  const taken: Step[] = [];
  const left = [...health];
  const steps = adapter.load(targetOf(proof));
  let turn = steps.next();
  while (!turn.done) {
    const step = turn.value;
    taken.push(step);
    const status = step.do === 'http' ? (step.path === '/health' ? left.shift() : answered) : undefined;
    const answers = {
      key: 'secret',
      port: 8123,
      scratch: '/tmp/scratch',
      http: status == null ? null : { status, body: '{"error":"no"}' },
    };
    turn = steps.next(answers[step.do as keyof typeof answers]);
  }
  return {
    taken,
    endpoint: turn.value,
    of: <Do extends Step['do']>(what: Do) => taken.filter((step) => step.do === what) as Extract<Step, { do: Do }>[],
  };
}

test('a launch: on loopback, with a key by environment and temporary files of its own', () => {
  const { of, endpoint } = drive('generate', [200], 200);
  const [spawned] = of('spawn');
  expect(spawned?.command).toBe('/venv/bin/vllm');
  expect(spawned?.args.join(' ')).toMatch(/^serve \/models\/m --served-model-name m --host 127\.0\.0\.1 --port 8123 /);
  expect(spawned?.env).toMatchObject({ VLLM_API_KEY: 'secret', TMPDIR: '/tmp/scratch', PATH: '/venv/bin:/usr/bin', HF_HUB_OFFLINE: '1' });
  expect(spawned?.args.join(' ')).not.toContain('secret');
  expect(endpoint).toEqual({ at: { port: 8123 }, key: 'secret', protocol: 'openai', model: 'm', prefix: '/v1' });
});

test('ready is its health, and then one real answer', () => {
  const { of } = drive('generate', [null, 503, 200], 200);
  expect(of('http').map(({ path }) => path)).toEqual(['/health', '/health', '/health', '/v1/completions']);
});

test('with routes that change it, it listens on a socket in its own folder, and on no port', () => {
  const target = targetOf('generate');
  const steps = adapter.load({ ...target, plan: { ...target.plan, env: { ...target.plan.env, VLLM_SERVER_DEV_MODE: '1' } } });
  const taken: Step[] = [];
  let turn = steps.next();
  while (!turn.done) {
    taken.push(turn.value);
    const answers = { key: 'secret', port: 8123, scratch: '/tmp/scratch', http: { status: 200, body: '' } };
    turn = steps.next(answers[turn.value.do as keyof typeof answers]);
  }
  expect(taken.some((step) => step.do === 'port')).toBe(false);
  expect(taken.find((step) => step.do === 'spawn')).toMatchObject({ args: expect.arrayContaining(['--uds', '/tmp/scratch/s']) });
  expect(turn.value).toEqual({ at: { socket: '/tmp/scratch/s' }, key: 'secret', protocol: 'openai', model: 'm', prefix: '/v1' });
});

test.each([
  ['embed', '/v1/embeddings'],
  ['rank', '/v1/rerank'],
  ['classify', '/classify'],
  ['none', '/v1/models'],
] as const)('the proof of %s', (proof, path) => {
  expect(drive(proof, [200], 200).of('http').at(-1)?.path).toBe(path);
});

test('a first answer that fails says so, after its engine had the time to tell why', () => {
  expect(() => drive('generate', [200], 500)).toThrow(/first token failed: status 500/);
  expect(() => drive('embed', [200], 400)).toThrow(/first embedding failed: status 400/);
});
