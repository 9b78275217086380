import { describe, expect, test } from 'vitest';
import { nearestNames } from '../../shared/nearest.ts';
import { runtimeName } from '../../shared/runtime-names.ts';
import { DEFAULT_SETTINGS, settingsJsonSchema } from '../../shared/settings.ts';
import { checkSettings, sectionKeys } from '../../shared/settings-check.ts';
import { needsRestart, settingsKeys } from '../../shared/settings-keys.ts';

function problemsOf(value: unknown): readonly string[] {
  const checked = checkSettings(value);
  return 'problems' in checked ? checked.problems.map(({ sentence }) => sentence) : [];
}

describe('the promised keys', () => {
  test('are all accepted, with the values that the documentation shows', () => {
    const checked = checkSettings({
      vllm: { enabled: 'auto' },
      triton: { enabled: false },
      ray_serve: { enabled: 'auto' },
      llama: { enabled: true },
      orchestration: {
        model_discovery: { watch_directories: ['~/modelium/incoming'], scan_interval_seconds: 30 },
        policies: { evict_after_idle_seconds: 'auto' },
      },
      metrics: { enabled: true, port: 9090 },
    });
    expect(checked).toMatchObject({ settings: { orchestration: { policies: { evict_after_idle_seconds: 'auto', max_queue: 512 } } } });
  });

  test.each([[null], [{}], [{ metrics: null, orchestration: { policies: null }, models: null }]])('%j means the defaults', (value) => {
    expect(checkSettings(value)).toEqual({ settings: DEFAULT_SETTINGS });
  });
});

describe('what each key means', () => {
  const keys = settingsKeys();

  test.each(keys.map((key) => [key.path.join('.'), key] as const))('%s has one sentence', (_, { description }) => {
    expect(description).toMatch(/^\S.{10,}\.$/);
    expect(description).not.toMatch(/\. /);
  });

  test('keys in seconds, MiB and tokens say so', () => {
    for (const { path, description } of keys) {
      if (path.at(-1)?.endsWith('_seconds')) expect(description).toMatch(/seconds/i);
      if (path.at(-1)?.endsWith('_mb')) expect(description).toContain('MiB');
      if (path.at(-1) === 'context') expect(description).toContain('tokens');
    }
  });

  test('the JSON schema carries the descriptions, the defaults and what needs a restart', () => {
    // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of it.
    const schema = settingsJsonSchema() as any;
    for (const { path, description, fallback, needsRestart } of keys) {
      const steps = path.map((key) => (key === '<id>' ? 'additionalProperties' : `properties.${key}`)).join('.');
      const at = steps.split('.').reduce((inner, key) => inner[key], schema);
      expect(at.description).toBe(description);
      if (fallback !== undefined) expect(at.default).toEqual(fallback);
      expect(at.needsRestart ?? false).toBe(needsRestart);
    }
  });

  test('what needs a restart is said when it changed, and only then', () => {
    expect(needsRestart(DEFAULT_SETTINGS, structuredClone(DEFAULT_SETTINGS))).toEqual([]);
    const after = structuredClone(DEFAULT_SETTINGS);
    after.api.port = 1;
    after.gpus.nvidia_smi = '/x';
    after.gpus.reserve_mb = 1;
    expect(needsRestart(DEFAULT_SETTINGS, after)).toEqual(
      ['api.port', 'gpus.nvidia_smi'].map((name) => `${name} takes effect when Modelium is started again.`),
    );
  });
});

test('what names a program, or what one is started with, is for the file alone', () => {
  const keys = settingsKeys().filter(({ fileOnly }) => fileOnly);
  const names = settingsKeys().filter(({ path, isSection }) => !isSection && /^(command|args|env|nvidia_smi)$/.test(path.at(-1) ?? ''));
  expect(keys.map(({ path }) => path)).toEqual(expect.arrayContaining(names.map(({ path }) => path)));
  expect(names.length).toBeGreaterThan(6);
});

const NO_SECRET = 'The settings never contain the secret itself: name the environment variable that holds it';

describe('what is wrong is said in words', () => {
  test.each<[string, unknown, string]>([
    ['a slip', { metrics: { prot: 9090 } }, 'unknown key "metrics.prot". Did you mean "port"?'],
    ['a slip at the top', { orchestraton: {} }, 'unknown key "orchestraton". Did you mean "orchestration"?'],
    ['a slip below a model', { models: { tiny: { contxt: 1 } } }, 'unknown key "models.tiny.contxt". Did you mean "context"?'],
    ['nothing near', { metrics: { zzzzzz: 1 } }, 'unknown key "metrics.zzzzzz". Known here: enabled, include_runtime, port.'],
    ['a variable and its value, where a name belongs', { llama: { env: { 'KEY=sk-1=2': null } } }, 'llama.env.KEY=...: expected a text.'],
    ['the same where no name is free', { llama: { 'KEY=sk-1': 1 } }, expect.not.stringContaining('sk-1')],
    [
      'a key in plain text',
      { remotes: { lab: { url: 'http://box:1/v1', key: 'sk-1' } } },
      `unknown key "remotes.lab.key". ${NO_SECRET} (key_env), or a file that holds nothing else (key_file).`,
    ],
    [
      'a key under the name that others have for it',
      { remotes: { lab: { url: 'http://box:1/v1', apiKey: 'sk-1' } } },
      `unknown key "remotes.lab.apiKey". ${NO_SECRET} (key_env), or a file that holds nothing else (key_file).`,
    ],
    [
      'a token in plain text',
      { ray_serve: { token: 'sk-1' } },
      `unknown key "ray_serve.token". ${NO_SECRET} (token_env), or a file that holds nothing else (token_file).`,
    ],
    [
      'a key where none is used',
      { api: { key: 'sk-1' } },
      'unknown key "api.key". Known here: host, port, cors_origins, allowed_hosts, max_buffered_mb, max_body_mb.',
    ],
    ['a name with nothing below it', { runtimes: { mine: null } }, 'runtimes.mine.command: expected a text, and there is none.'],
    ['a server with nothing below it', { remotes: { lab: null } }, 'remotes.lab.url: expected a text, and there is none.'],
    ['a choice', { vllm: { enabled: 'yes' } }, 'vllm.enabled: expected true or false or "auto".'],
    ['a word', { orchestration: { policies: { load: 'never' } } }, 'orchestration.policies.load: expected "on_drop" or "on_request".'],
    ['a negative', { gpus: { reserve_mb: -1 } }, 'gpus.reserve_mb: expected a number of at least 0.'],
    ['a fraction', { metrics: { port: 1.5 } }, 'metrics.port: expected a whole number.'],
    ['a text for a section', { api: 'x' }, 'api: expected a section with keys.'],
    ['a list for the file', [], 'the file: expected a section with keys.'],
    ['a range upside down', { llama: { port_range: [9000, 8100] } }, 'llama.port_range: expected the lower port first.'],
    ['a text for a list', { gpus: { use: 'some' } }, 'gpus.use: expected "all" or "none" or a list.'],
  ])('%s', (_, value, sentence) => {
    expect(problemsOf(value)).toEqual([sentence]);
  });

  test('a value below a prototype name is an unknown key, not a surprise', () => {
    expect(problemsOf({ constructor: { x: null } })).toEqual([expect.stringContaining('unknown key "constructor"')]);
    expect(sectionKeys(['constructor'])).toBeNull();
  });
});

test.each([
  ['mine', null],
  ['TabbyAPI-2.0_x', null],
  ['vllm', /another name/],
  ['Llama', /another name/],
  ['auto', /another name/],
  ['ray_serve', /another name/],
  ['', /begins with a letter/],
  ['9b', /begins with a letter/],
  ['a b', /letters, digits/],
  ['a/b', /letters, digits/],
  ['x'.repeat(65), /at most 64/],
] as const)('a runtime of one’s own may be called %j: %s', (name, fault) => {
  const [why] = runtimeName.safeParse(name).error?.issues.map(({ message }) => message) ?? [];
  if (fault === null) expect(why).toBeUndefined();
  else expect(why).toMatch(fault);
});

test('models.NAME.runtime names a runtime that there is', () => {
  expect(problemsOf({ models: { a: { runtime: 'nobody' } } })).toEqual([
    'models.a.runtime: expected "llama" or "vllm" or "triton" or "ray".',
  ]);
});

test.each<[string, readonly string[], readonly string[]]>([
  ['smolm2', ['llama3', 'smollm2', 'smollm'], ['smollm2', 'smollm']],
  ['LLAMA3', ['llama3'], ['llama3']],
  ['smollm2', ['smollm2-135m-instruct.q4_1', 'qwen'], ['smollm2-135m-instruct.q4_1']],
  ['xyz', ['llama3'], []],
  ['', ['llama3'], []],
])('nearest to %j among %j: %j', (wanted, known, nearest) => {
  expect(nearestNames(wanted, known)).toEqual(nearest);
});
