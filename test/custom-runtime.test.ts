/**
 * A server of one's own, as the settings name it, on a whole engine with simulated GPUs: the
 * fixture program, started by a command that says its flags. The tests mostly wait, so that they
 * run side by side.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, type TestContext, test } from 'vitest';
import { importedText } from '../main/cli/import.ts';
import { readStat } from '../main/io/processes/proc.ts';
import { readYaml } from '../main/io/settings/yaml-document.ts';
import { MIB } from '../shared/units.ts';
import { readBox, readHoldings } from './fixtures/box.ts';
import { type SettingsFile, startTestEngine, type TestEngine } from './helpers/engine.ts';
import { eventually } from './helpers/eventually.ts';
import { type Home, isAlive, makeHome, startServe } from './helpers/serve.ts';
import { makeSimulatedBox, type SimulatedBox } from './helpers/simulated-box.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const MODEL = { layers: 16, contextTokens: 2048 };
const ARGS = ['--port', '{port}', '--model', '{model}', '--alias', '{name}', '--memory-mb', '300', '--n-gpu-layers', '32'];

// Far from those of other files, which run beside this one.
let ports = 17_000;

function newBox({ onTestFinished }: TestContext): SimulatedBox {
  const box = makeSimulatedBox({ gpus: [{ totalMiB: 2000 }] });
  onTestFinished(() => box.remove());
  return box;
}

/** Of the box's runtime; ports of its own, since engines side by side would meet at the first. */
function mine(box: SimulatedBox, own: object = {}): SettingsFile {
  ports += 40;
  return { command: box.runtimeCommand, args: ARGS, formats: ['gguf'], memory_mb: 300, port_range: [ports, ports + 39], ...own };
}

async function start(
  { onTestFinished }: TestContext,
  box: SimulatedBox,
  runtimes: SettingsFile,
  more: { policies?: object; models?: object } = {},
): Promise<TestEngine> {
  const engine = await startTestEngine({
    gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 100 },
    host: { reserve_mb: 0 },
    orchestration: { policies: { load: 'on_request', min_residency_seconds: 0, ...more.policies } },
    runtimes,
    models: more.models ?? {},
  });
  onTestFinished(() => engine.close());
  return engine;
}

/** MiB that runtimes hold on the GPU. */
function usedMiB(box: SimulatedBox): number {
  const bytes = readHoldings(box.dir, readBox(box.dir)).flatMap(({ gpus }) => Object.values(gpus));
  return Math.round(bytes.reduce((sum, each) => sum + each, 0) / MIB);
}

test.concurrent('a runtime of one’s own serves what its formats say, two models at once, by its own command, until they are idle and the GPU is seen free', async (context) => {
  const box = newBox(context);
  const env = { LLAMA_API_KEY: '{key}', OF_MINE: '{name} with {context} on {gpus}' };
  const reported = join(box.dir, 'told');
  const command = join(box.dir, 'own-server');
  const stopped = join(box.dir, 'stopped');
  // A wrapper that ends what it started, by the signal that the settings name.
  const lines = [
    '#!/bin/sh',
    `echo "$OF_MINE; CUDA $CUDA_VISIBLE_DEVICES; $*" >> '${reported}'`,
    `'${box.runtimeCommand}' "$@" &`,
    `trap 'echo asked >> "${stopped}"; kill $!; wait; exit 0' INT`,
    'wait',
  ];
  writeFileSync(command, `${lines.join('\n')}\n`);
  chmodSync(command, 0o755);
  const own = mine(box, { command, env, stop: { signal: 'SIGINT', grace_seconds: 20 } });
  const engine = await start(
    context,
    box,
    { mine: own, other: mine(box) },
    { policies: { evict_after_idle_seconds: 1 }, models: { b: { context: 512 } } },
  );
  for (const name of ['a', 'b']) await engine.drop(name, MODEL);
  for (const name of ['a', 'b']) await engine.waitFor(name, 'unloaded');
  const answers = await Promise.all(['a', 'b'].map((name) => engine.predict(name)));
  expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(2).fill([200, 'This answer is simulated']));
  // What it is told, and that both were there at once.
  expect(readFileSync(reported, 'utf8').trim().split('\n').sort()).toEqual([
    expect.stringMatching(
      new RegExp(`^a with 2048 on 1; CUDA ${box.uuids[0]}; --port 17\\d+ --model \\S+/a\\.gguf --alias a --memory-mb 300`),
    ),
    expect.stringMatching(
      new RegExp(`^b with 512 on 1; CUDA ${box.uuids[0]}; --port 17\\d+ --model \\S+/b\\.gguf --alias b --memory-mb 300`),
    ),
  ]);
  const [decision] = (await engine.decisions('a')).filter(({ action }) => action === 'load');
  expect(decision?.sentence).toMatch(/^On GPU 0: it fits; needs /);
  expect(decision?.because?.facts.flatMap((fact) => (fact.fact === 'note' ? [fact.text] : [])).join('; ')).toMatch(
    /runtimes\.mine is preferred to Modelium's own runtimes; first guess: runtimes\.mine\.memory_mb/,
  );
  expect(decision?.candidates.map(({ plan }) => plan.runtime)).toEqual(expect.arrayContaining(['mine', 'other', 'llama']));
  for (const name of ['a', 'b']) await engine.waitFor(name, 'unloaded');
  await eventually('the GPU seen free', async () => (await engine.gpus())[0]?.usedBytes === 0);
  expect(usedMiB(box)).toBe(0);
  expect(readFileSync(stopped, 'utf8')).toBe('asked\n'.repeat(2));
  expect(engine.logged.filter((line) => line.includes('GPU freed: 300 MiB')).length).toBe(2);
});

test.concurrent('a command that does not exist is told by its key, models.NAME.runtime chooses among several, and one that is killed comes back', async (context) => {
  const box = newBox(context);
  const models = { a: { runtime: 'gone' }, b: { runtime: 'second' } };
  const runtimes = { gone: mine(box, { command: '/nowhere/server' }), first: mine(box), second: mine(box, { formats: [] }) };
  const engine = await start(context, box, runtimes, { models });
  for (const name of ['a', 'b', 'c']) await engine.drop(name, MODEL);
  for (const name of ['b', 'c']) await engine.waitFor(name, 'unloaded');
  const blocked = await engine.waitFor('a', 'blocked');
  expect(blocked.message).toMatch(/^gone would serve it, but: runtimes\.gone\.command is \/nowhere\/server, and there is no such program/);
  expect((await engine.status()).runtimes.find(({ id }) => id === 'gone')).toMatchObject({ found: false, isWrong: true });
  // Whoever starts it reads that before anything is dropped, and once.
  expect(engine.logged.filter((line) => line.includes('runtimes.gone.command is /nowhere/server'))).toEqual([
    expect.stringMatching(/^Warning: runtimes\.gone\.command/),
    expect.stringMatching(/^a is not served: gone would serve it/),
  ]);
  for (const name of ['b', 'c']) expect(await engine.predict(name)).toMatchObject({ status: 200, error: null });
  expect(await Promise.all(['b', 'c'].map(async (id) => (await engine.model(id)).runtime))).toEqual(['second', 'first']);
  // As any client of OpenAI's would ask, whole and streamed.
  const client = new OpenAI({ baseURL: `${engine.engine.address}/v1`, apiKey: 'any', maxRetries: 0 });
  const asked = { model: 'c', max_tokens: 4, messages: [{ role: 'user' as const, content: 'Hello' }] };
  const whole = await client.chat.completions.create(asked);
  let streamed = '';
  for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true }))
    streamed += choices[0]?.delta.content ?? '';
  expect([whole.choices[0]?.message.content, streamed]).toEqual(Array(2).fill('This answer is simulated'));
  // Killed, it is loaded again by the next request.
  const [pid] = (await engine.model('b')).pids;
  process.kill(pid!, 'SIGKILL');
  await eventually('another process', async () => {
    const answer = await engine.predict('b');
    const { pids } = await engine.model('b');
    return answer.status === 200 && pids.length > 0 && pids[0] !== pid;
  });
  // Taken out of the settings, it ends what it had, and the next one takes over.
  engine.saveSettings({
    ...JSON.parse(readFileSync(join(engine.folder, 'modelium.yaml'), 'utf8')),
    runtimes: { second: runtimes.second },
    models: { b: { runtime: 'second' } },
  });
  await eventually('c leaves the runtime that is gone', async () => (await engine.model('c')).runtime !== 'first');
  expect((await engine.model('b')).runtime).toBe('second');
});

test.concurrent('a port that never opens is a stall, which says so; health that is well too early is not believed; one that breaks off is tried again later', async (context) => {
  const box = newBox(context);
  const deaf = join(box.dir, 'deaf');
  writeFileSync(deaf, '#!/bin/sh\necho nobody listens with $MY_PASSWORD in $MY_FOLDER\nexec sleep 60\n');
  chmodSync(deaf, 0o755);
  const slow = [...ARGS, '--load-ms', '1500'];
  const engine = await start(
    context,
    box,
    {
      deaf: mine(box, { command: deaf, formats: [], env: { MY_PASSWORD: 'hunter2-hunter2', MY_FOLDER: '/data/of/mine' } }),
      // Well from the beginning, whatever it can do.
      early: mine(box, { args: slow, formats: [], health: '/fixture' }),
      broken: mine(box, { args: [...ARGS, '--oom'], formats: [] }),
      plain: mine(box, { formats: [], protocol: 'none' }),
    },
    {
      // A busy machine takes its time until a program runs at all.
      policies: { load_stall_seconds: 6 },
      models: { a: { runtime: 'deaf' }, b: { runtime: 'early' }, c: { runtime: 'broken' }, d: { runtime: 'plain' } },
    },
  );
  for (const name of ['a', 'b', 'c', 'd']) await engine.drop(name, MODEL);
  for (const name of ['a', 'b', 'c', 'd']) await engine.waitFor(name, 'unloaded');
  const [b, c] = await Promise.all([engine.predict('b'), engine.predict('c')]);
  expect(b).toMatchObject({ status: 200, text: 'This answer is simulated' });
  // Never ready before it was loaded.
  expect(b.timings!.load_ms).toBeGreaterThan(1_000);
  expect(c).toMatchObject({ status: 503, error: { message: expect.stringMatching(/broken ran out of memory \(.*out of memory\)/) } });
  expect(c.retryAfter).toBeGreaterThan(0);
  const a = await engine.predict('a');
  expect(a).toMatchObject({ status: 503, error: { code: 'model-failed' } });
  expect(a.error?.message).toMatch(/a showed no sign of progress for \d+ s while loading on deaf \(waiting for port 1\d+ to open\)/);
  // Everybody may ask the model, and nobody learns by it how it is started.
  expect(a.error).toMatchObject({ last_words: ['nobody listens with [redacted] in [redacted]'] });
  expect(usedMiB(box)).toBe(300);
  // Of one without a protocol the routes are its own; asking for them loads it.
  const own = await fetch(`${engine.engine.address}/upstream/d/fixture`);
  expect([own.status, await own.json()]).toEqual([200, { requests: 0, inFlight: 0, aborted: 0 }]);
  expect(usedMiB(box)).toBe(600);
  expect((await engine.predict('d')).error?.message).toContain('/upstream/d/');
});

/** A server of a person in a line of JavaScript. */
const inNode = (code: string): SettingsFile => ({ command: process.execPath, args: ['-e', code, '{port}'], formats: [] });

test.concurrent('a server that takes connections and answers nothing, or is well and never gives its first answer, stalls, which says so; one that hangs in a request is ended, and the next request starts it anew', async (context) => {
  const box = newBox(context);
  const engine = await start(
    context,
    box,
    {
      silent: mine(box, inNode("require('node:net').createServer(() => {}).listen(process.argv[1], '127.0.0.1')")),
      mute: mine(box, {
        ...inNode(
          "require('node:http').createServer((asked, answer) => asked.url === '/up' && answer.end()).listen(process.argv[1], '127.0.0.1')",
        ),
        health: '/up',
      }),
      hangs: mine(box, { formats: [], stop: { grace_seconds: 1 } }),
    },
    {
      policies: { load_stall_seconds: 5, drain_seconds: 1 },
      models: { a: { runtime: 'silent' }, b: { runtime: 'mute' }, c: { runtime: 'hangs' } },
    },
  );
  for (const name of ['a', 'b', 'c']) await engine.drop(name, MODEL);
  for (const name of ['a', 'b', 'c']) await engine.waitFor(name, 'unloaded');
  expect((await engine.predict('c')).status).toBe(200);
  const [pid = 0] = (await engine.model('c')).pids;
  process.kill(pid, 'SIGSTOP');
  const hung = engine.predict('c');
  const stalled = await Promise.all(['a', 'b'].map((name) => engine.predict(name)));
  expect(stalled.map(({ status, error }) => [status, error?.message])).toEqual([
    [
      503,
      expect.stringMatching(
        /a showed no sign of progress for \d+ s while loading on silent \(waiting for \/health: no answer came within 2 s\)/,
      ),
    ],
    [503, expect.stringMatching(/b showed no sign of progress for \d+ s while loading on mute \(first token\)/)],
  ]);
  // Half a minute without a word, while somebody waits.
  expect(await hung).toMatchObject({ status: 502, error: { message: expect.stringContaining('its process hangs: no answer for 30 s') } });
  expect((await engine.predict('c')).status).toBe(200);
  expect((await engine.model('c')).pids).not.toContain(pid);
  expect(readStat(pid)?.zombie ?? true).toBe(true);
}, 180_000);

test.concurrent('one that fails quotes neither its variables nor its arguments to who may only ask: not in its sentence, and not in any list', async (context) => {
  const box = newBox(context);
  const says = "console.error('cannot open', process.argv[2], process.env.OWN_PLACE); process.exit(3)";
  const telling = { ...inNode(says), args: ['-e', says, '{port}', 'a-value-of-mine'], env: { OWN_PLACE: 'a-place-of-mine' } };
  const engine = await start(context, box, { telling: mine(box, telling) }, { models: { a: { runtime: 'telling' } } });
  await engine.drop('a', MODEL);
  await engine.waitFor('a', 'unloaded');
  const { status, error } = await engine.predict('a');
  expect([status, error?.message]).toEqual([503, expect.stringContaining('cannot open [redacted] [redacted]')]);
  const lists = await Promise.all(['/models', '/status'].map(async (path) => (await fetch(`${engine.engine.address}${path}`)).text()));
  expect(lists[0]).toContain('cannot open [redacted] [redacted]');
  expect(JSON.stringify([error, lists])).not.toMatch(/a-(value|place)-of-mine/);
});

test.concurrent('a configuration of llama-swap serves here; what an engine that was killed left of it is ended before the next one serves', async (context) => {
  const box = makeSimulatedBox({ gpus: [] });
  context.onTestFinished(() => box.remove());
  // biome-ignore lint/suspicious/noTemplateCurlyInString: llama-swap writes its macros so.
  const command = [box.runtimeCommand, '--port ${PORT}', '-m /models/tiny.gguf --alias ${MODEL_ID} --memory-mb 64'].join(' ');
  const config = JSON.stringify({ models: { 'swap:tiny': { cmd: command, aliases: ['other'] } } });
  const { runtimes, models } = readYaml(importedText(config, '/swap.yaml', {})).data() as Record<string, object>;
  const home: Home = makeHome({ runtimes, models });
  context.onTestFinished(() => home.remove());
  await writeTinyGguf(home.watch, { name: 'tiny' });
  const first = await startServe(home);
  await first.becomes('tiny', 'ready');
  const left = home.processes().filter(({ pid }) => pid !== first.pid);
  await first.end('SIGKILL');
  expect(left.filter(isAlive).map(({ command }) => command)).toEqual(expect.arrayContaining([expect.stringContaining('--alias tiny')]));
  const second = await startServe(home);
  expect(left.filter(isAlive)).toEqual([]);
  for (const name of ['swap:tiny', 'other']) expect((await second.predict(name)).status).toBe(200);
  expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(home.processes()).toEqual([]);
});
