// biome-ignore-all lint/suspicious/noTemplateCurlyInString: llama-swap writes its macros so.
/**
 * A configuration of llama-swap as a modelium.yaml: what comes over, what is said of the rest, and
 * what hostile files do.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { importedText } from '../../main/cli/import.ts';
import { runProgram } from '../../main/cli/program.ts';
import { parseSettings } from '../../main/io/settings/settings-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'modelium-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const imported = (config: string, env: Record<string, string> = {}) => {
  const text = importedText(config, '/etc/swap.yaml', env);
  return { text, settings: parseSettings(text, 'f') };
};
const one = (model: string, more = '') => imported(`${more}\nmodels:\n  m:\n${model.replaceAll(/^/gm, '    ')}`);
const runtimeOf = (model: string, more = '') => Object.values(one(model, more).settings.runtimes)[0];

describe('what comes over', () => {
  const config = `
healthCheckTimeout: 500
globalTTL: 600
logLevel: info
startPort: 10001
macros:
  server: >
    /opt/llama.cpp/llama-server
    --port \${PORT}
  ctx: 4096
  dir: "\${env.HOME}/models"
groups:
  keep: { persistent: true, members: [small] }
hooks: { on_startup: { preload: [big, nobody] } }
models:
  "big model:70b":
    macros: { ctx: 16384 }
    cmd: |
      # the newest is \${server} of today
      \${server}
      --model '\${dir}/big 70b.Q4_K_M.gguf' \\
      --ctx-size \${ctx}
      --alias \${MODEL_ID} --chat-template-kwargs '{"a": {"b": 1}}'
    env: ["CUDA_VISIBLE_DEVICES=0,1", "A=b=c"]
    ttl: 60
    aliases: [big, { id: gpt-4o, name: GPT, unlisted: true }]
    name: The big one
    filters: { stripParams: temperature }
  small:
    cmd: \${server} -m \${dir}/small.gguf -c \${ctx}
    ttl: 0
    checkEndpoint: /v1/models
    unlisted: true
  served:
    proxy: http://127.0.0.1:8999
    cmd: vllm serve /models/Qwen2.5/ --port 8999 --max-model-len=2048
    useModelName: /models/Qwen2.5/
    cmdStop: kill \${PID}
`;
  const { text, settings } = imported(config, { HOME: '/home/me' });

  test('commands, with what is filled in here', () => {
    expect(settings.runtimes).toMatchObject({
      'big-model-70b': {
        command: '/opt/llama.cpp/llama-server',
        args: [
          '--port',
          '{port}',
          '--model',
          '{model}',
          '--ctx-size',
          '{context}',
          '--alias',
          '{name}',
          '--chat-template-kwargs',
          '{"a": {"b": 1}}',
        ],
        env: { A: 'b=c' },
        health: '/health',
        formats: [],
      },
      small: { args: ['--port', '{port}', '-m', '{model}', '-c', '{context}'], health: '/v1/models' },
      served: {
        command: 'vllm',
        args: ['serve', '{model}', '--port', '{port}', '--max-model-len={context}'],
        model_name: '/models/Qwen2.5/',
      },
    });
  });

  test('models by the names that they get here, with the names that they had', () => {
    const NEVER = 31_536_000;
    expect(settings.models).toEqual({
      'big 70b.Q4_K_M': {
        runtime: 'big-model-70b',
        aliases: ['big model:70b', 'big', 'gpt-4o'],
        context: 16_384,
        gpus: [0, 1],
        evict_after_idle_seconds: 60,
      },
      small: { runtime: 'small', context: 4096, evict_after_idle_seconds: NEVER, pin: true },
      'Qwen2.5': { runtime: 'served', aliases: ['served'], context: 2048 },
    });
    for (const path of ["'/home/me/models/big 70b.Q4_K_M.gguf'", '/home/me/models/small.gguf', '/models/Qwen2.5/']) {
      expect(text).toContain(`#   modelium add ${path}\n`);
    }
  });

  test('policies', () => {
    expect(settings.orchestration.policies).toMatchObject({
      load: 'on_request',
      evict_after_idle_seconds: 600,
      load_max_seconds: 500,
      always_loaded: ['big'],
    });
  });

  test('and the rest is said', () => {
    for (const key of ['logLevel', 'startPort', 'groups', 'name', 'filters', 'unlisted', 'cmdStop']) {
      expect(text).toMatch(new RegExp(`# (?:- )?${key} has no counterpart here`));
    }
    expect(text).toContain('# The environment variable HOME was replaced by its current value.');
  });
});

test('peers are remotes, and no key is carried over', () => {
  const { text, settings } = imported(
    'models: {}\npeers:\n  open router: { proxy: "https://openrouter.example/api/", apiKey: "${env.ROUTER_KEY}", models: [a/b] }\n  none: 1\n  bare: { models: [x] }\n  box: { proxy: http://10.0.0.5:8080, apiKey: sk-hunter2, filters: {} }',
  );
  expect(settings.remotes).toMatchObject({
    'open-router': { url: 'https://openrouter.example/api/v1', key_env: 'ROUTER_KEY', models: ['a/b'] },
    box: { url: 'http://10.0.0.5:8080/v1', models: 'all' },
  });
  expect(text).not.toContain('hunter2');
  expect(text).toContain('# Its key was left out');
  expect(text).toMatch(/- peers\.none has no usable address.*\n.*- peers\.bare has no usable address/);
});

test('peers of like names are two, and one whose address is none is named', () => {
  const { text, settings } = imported(
    'models: {}\npeers:\n  "a b": { proxy: "http://10.0.0.1:1" }\n  a-b: { proxy: "http://10.0.0.2:2", models: [""] }\n  host: { proxy: "http://${h}:2" }\n  odd: { proxy: "http://" }',
  );
  expect(Object.entries(settings.remotes).map(([name, { url }]) => [name, url])).toEqual([
    ['a-b', 'http://10.0.0.1:1/v1'],
    ['a-b-2', 'http://10.0.0.2:2/v1'],
  ]);
  expect(text).toMatch(/- peers\.host has no usable address.*\n.*- peers\.odd has no usable address/);
});

test('models that are started alike share a runtime', () => {
  const { settings } = imported(
    'models:\n  a: { cmd: "s --port ${PORT} -m /a.gguf -c 1024" }\n  b: { cmd: "s --port ${PORT} -m /b.gguf -c 2048" }',
  );
  expect(Object.keys(settings.runtimes)).toEqual(['a']);
  expect(settings.models).toMatchObject({ a: { context: 1024 }, b: { runtime: 'a', context: 2048 } });
});

test.each([
  ['vllm', 'own-vllm'],
  ['7b', 'own-7b'],
  ['ä', 'own--'],
])('a model called %j has a runtime called %j', (name, runtime) => {
  const { settings } = imported(`models:\n  "${name}": { cmd: "s --port \${PORT} -m /a.gguf" }`);
  expect(Object.keys(settings.runtimes)).toEqual([runtime]);
});

test.each([
  [
    'a port of its own',
    'cmd: s --listen 0.0.0.0:9000 -m /a.gguf\nproxy: http://localhost:9000',
    ['--listen', '0.0.0.0:{port}', '-m', '{model}'],
  ],
  ['the last of two models', 'cmd: s --port ${PORT} -m /a.gguf --model=/b.gguf', ['--port', '{port}', '-m', '/a.gguf', '--model={model}']],
  ['no context of its own', 'cmd: s --port ${PORT} -m /a.gguf -c 0', ['--port', '{port}', '-m', '{model}', '-c', '0']],
  ['braces that are none', "cmd: s --port ${PORT} -m /a.gguf --x '{date}'", ['--port', '{port}', '-m', '{model}', '--x', '{{date}}']],
  ['a shell', 'cmd: sh -c "exec s --port ${PORT} -m /a.gguf"\nx: 1', null],
])('%s', (_what, model, args) => {
  expect(runtimeOf(model)?.args ?? null).toEqual(args);
});

test.each([
  ['a name of a hub', 'cmd: s serve Qwen/Qwen2.5-7B --port ${PORT}', /- m: its command names no model file or folder/],
  ['a quote without an end', 'cmd: s "--port ${PORT} -m /a.gguf', /- m: its command cannot be read: its quote " has no end/],
  ['no port', 'cmd: s -m /a.gguf', /# m: no argument of its command is recognised as its port/],
  ['no health', 'cmd: s -m /a.gguf --port ${PORT}\ncheckEndpoint: none', /# m: checkEndpoint none/],
  ['another machine', 'cmd: s -m /a.gguf --port ${PORT}\nproxy: http://10.0.0.5:${PORT}', /# m: proxy http:\/\/10\.0\.0\.5/],
  ['a macro of nobody', 'cmd: s -m /a.gguf --port ${PORT} ${mine}', /# The macro \$\{mine\} is not defined/],
  ['a path from where it ran', 'cmd: s -m a.gguf --port ${PORT}', /Run these once, in the folder in which llama-swap ran, unless/],
  ['an endless time', 'cmd: s -m /a.gguf --port ${PORT}\nttl: .inf\ncheckEndpoint: a b', /# \/a\.gguf\n {2}a:\n {4}runtime: m/],
  [
    'a container',
    'cmd: /usr/bin/docker run -p ${PORT}:8080 -v /models:/models image -m /models/a.gguf',
    /# m: its command starts a container, and Modelium cannot measure[^/]+\n {2}m:\n {4}command: \/usr\/bin\/docker/,
  ],
  ['no time to leave', 'cmd: s -m /a.gguf --port ${PORT}', /# - Without a ttl llama-swap never unloads idle models/],
  ['a key of tomorrow', 'cmd: s -m /a.gguf --port ${PORT}\nnewest: 1', /# newest has no counterpart here\./],
])('%s is said', (_what, model, words) => {
  expect(one(model).text).toMatch(words);
});

test('a second command for the same file is said, and not lost in silence', () => {
  const { text, settings } = imported(
    'models:\n  a: { cmd: "s --port ${PORT} -m /x.gguf" }\n  b: { cmd: "s --port ${PORT} -m /x.gguf --fast" }',
  );
  expect(Object.keys(settings.models)).toEqual(['x']);
  expect(text).toMatch(/- b: \/x\.gguf is the model "x" already/);
});

test('a text of somebody else’s never leaves its comment or its value', () => {
  const { settings } = imported(
    String.raw`models: { "a\nruntimes: {evil": { cmd: "s --port \${PORT} -m '/x\nmodels: [.gguf'", "k\n: [": 1 } }`.replaceAll('\\$', '$'),
  );
  expect(Object.keys(settings.models)).toHaveLength(1);
  expect(Object.keys(settings.runtimes)).toEqual(['a-runtimes-evil']);
  expect(Object.values(settings.models)).toMatchObject([{ aliases: ['a\nruntimes: {evil'] }]);
});

test('what nobody would see is spelled out, and the names stay the same', () => {
  const hidden = 'a\u202eb\u200bc\u2066d\u{e0041}e';
  const model = { cmd: `s --port \${PORT} -m '/m/${hidden}.gguf' ${hidden}`, aliases: [`x${hidden}`], [hidden]: 1 };
  const config = JSON.stringify({ models: { [`m${hidden}\u009b`]: model }, peers: { [`p${hidden}`]: {} } });
  const text = importedText(config, `/etc/${hidden}.yaml`, {});
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  const { models, runtimes } = parseSettings(text, 'f');
  expect(Object.values(models)[0]?.aliases).toContain(`x${hidden}`);
  expect(Object.values(runtimes)[0]).toMatchObject({ args: expect.arrayContaining([hidden]) });
});

describe('what is no configuration', () => {
  test.each([
    ['', /expected sections/],
    ['a: [', /\/etc\/swap\.yaml:1:\d+: /],
    ['- a', /expected sections/],
    ['other: 1', /has no section models/],
    ['models: [1]', /models: expected a section with a name for each model/],
    ['models: { m: text }', /models\.m: expected a section with cmd/],
    ['models: { m: { ttl: 1 } }', /models\.m: expected cmd/],
    ['macros: { a: [1] }\nmodels: { m: { cmd: x } }', /macros: expected a section of texts/],
    ['macros: { a: "${b}", b: "${a}" }\nmodels: { m: { cmd: "${a}" } }', /macros lead in a circle/],
    [
      `macros: { ${'abcdefgh'
        .split('')
        .map((name, at, all) => `${name}: "${at === 0 ? 'x'.repeat(50) : `\${${all[at - 1]}}`.repeat(20)}"`)
        .join(', ')} }\nmodels: { m: { cmd: "\${h}" } }`,
      /more than 100000 characters/,
    ],
    [`a: &a [1]\nb: &b [${'*a,'.repeat(200)}]\nmodels: [${'*b,'.repeat(200)}]`, /swap\.yaml/],
  ])('%j', (config, fault) => {
    expect(() => imported(config)).toThrow(fault);
  });
});

describe('the verb', () => {
  const config = join(folder, 'config.yaml');
  writeFileSync(config, 'models: { a: { cmd: "s --port ${PORT} -m /x.gguf" } }');
  afterEach(() => vi.restoreAllMocks());

  /** Its exit code, and what a person sees. */
  async function run(...words: readonly string[]): Promise<readonly [number, string]> {
    let told = '';
    const note = (text: unknown) => {
      told += String(text);
      return true;
    };
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(note);
    for (const method of ['log', 'error'] as const) vi.spyOn(console, method).mockImplementation((text) => void note(`${text}\n`));
    return [await runProgram(['node', 'modelium', 'import', ...words]), told];
  }

  test('prints, and writes only when asked to', async () => {
    const target = join(folder, 'printed.yaml');
    expect(await run(config)).toEqual([0, expect.stringContaining('runtime: a')]);
    expect(JSON.parse((await run(config, '--json'))[1])).toEqual({ text: expect.stringContaining('runtime: a') });
    expect(existsSync(target)).toBe(false);
    expect(await run(config, '--write', target)).toEqual([
      0,
      expect.stringMatching(/^Wrote \S+\.\nNext: .*`modelium check --config \S+printed\.yaml`/),
    ]);
    expect(parseSettings(readFileSync(target, 'utf8'), target).runtimes).toHaveProperty('a');
    expect(statSync(target).mode & 0o777).toBe(0o600);
  });

  test('writes over a file only by force, and loses nothing that was in it', async () => {
    const target = join(folder, 'modelium.yaml');
    writeFileSync(target, '# mine\n');
    expect(await run(config, '--write', target)).toEqual([
      1,
      expect.stringMatching(/modelium\.yaml already exists and was not changed.*\n.*--force/),
    ]);
    expect(readFileSync(target, 'utf8')).toBe('# mine\n');
    // A folder means the modelium.yaml in it.
    expect(await run(config, '--write', folder, '--force')).toEqual([
      0,
      expect.stringContaining(`What was in it before is in ${target}.old.`),
    ]);
    const text = readFileSync(target, 'utf8');
    expect(parseSettings(text, target).runtimes).toHaveProperty('a');
    expect(JSON.parse((await run(config, '--write', target, '--force', '--json'))[1])).toEqual({
      path: target,
      replaced: true,
      kept: `${target}.old-2`,
    });
    expect([`${target}.old`, `${target}.old-2`].map((file) => readFileSync(file, 'utf8'))).toEqual(['# mine\n', text]);
  });

  test.each<[string, readonly string[], number, RegExp]>([
    [
      'no path',
      [],
      2,
      /^error: missing required argument 'path'\nFor example: modelium import config\.yaml\n`modelium import --help` explains it\.\n$/,
    ],
    ['no file', [join(folder, 'none.yaml')], 1, /There is no file \S+none\.yaml\.\n.*modelium import config\.yaml/],
    ['a folder', [folder], 1, /is not a regular file\.\n.*modelium import config\.yaml/],
    ['a broken file', [join(folder, 'broken.yaml')], 1, /broken\.yaml:\d+:\d+: .*\n.*Correct the file, or name another one/],
    ['a broken file to be written', [join(folder, 'broken.yaml'), '--write', join(folder, 'never.yaml')], 1, /broken\.yaml:\d+:\d+: /],
  ])('with %s says what it wants', async (_what, words, code, told) => {
    writeFileSync(join(folder, 'broken.yaml'), 'models: [\n');
    expect(await run(...words)).toEqual([code, expect.stringMatching(told)]);
    expect(existsSync(join(folder, 'never.yaml'))).toBe(false);
  });
});
