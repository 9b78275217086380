/** Models of other tools, found and served where they lie by a real engine and a real llama.cpp. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addFound } from '../main/cli/add-found.ts';
import type { FoundModels } from '../main/core/ports.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { tinyBytes, writeHubModel, writeLmStudioModel, writeOllamaModel } from './helpers/model-stores.ts';

const NAMES = ['HF_HUB_CACHE', 'HF_HOME', 'HUGGINGFACE_HUB_CACHE', 'OLLAMA_MODELS', 'XDG_CACHE_HOME', 'HOME'] as const;
const before: Record<string, string | undefined> = {};
let live: LiveEngine | null = null;

beforeEach(() => {
  for (const name of NAMES) before[name] = process.env[name];
});

afterEach(async () => {
  await live?.close();
  live = null;
  for (const name of NAMES) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

interface Stores {
  readonly hub: string;
  readonly studio: string;
  readonly ollama: string;
}

/** An engine whose user keeps these three stores. */
async function start(fill: (stores: Stores) => void): Promise<LiveEngine & Stores> {
  const stores: Stores[] = [];
  const settings = { orchestration: { model_discovery: { scan_interval_seconds: 1 } } };
  live = await startLiveEngine({
    settings,
    prepare: ({ folder }) => {
      const home = join(folder, 'home');
      for (const name of NAMES) delete process.env[name];
      process.env['HOME'] = home;
      process.env['HF_HUB_CACHE'] = join(home, 'hub');
      const made = { hub: join(home, 'hub'), studio: join(home, '.lmstudio/models'), ollama: join(home, '.ollama/models') };
      stores.push(made);
      fill(made);
    },
  });
  return { ...live, ...stores[0]! };
}

const fillAll = ({ hub, studio, ollama }: Stores): void => {
  writeHubModel(hub, 'owner/Hub-GGUF', { 'tiny-q4.gguf': tinyBytes(1), 'README.md': '# tiny' });
  writeLmStudioModel(studio, 'someone/Studio-GGUF', 'studio-q8.gguf', tinyBytes(2));
  writeOllamaModel(ollama, 'llama3.2', '1b', tinyBytes(3));
};

const tellsOf = (engine: LiveEngine, words: RegExp) => eventually(String(words), () => engine.logged.some((line) => words.test(line)));

test('each store: told of once, listed, added and served in place, and known again after that', { timeout: 120_000 }, async () => {
  const engine = await start(fillAll);
  await tellsOf(engine, /3 models of other tools are on this machine: modelium add --found lists them/);
  const { models } = (await engine.control('GET', '/control/found')).json as FoundModels;
  expect(models.map(({ name, registered }) => [name, registered])).toEqual([
    ['owner/Hub-GGUF', null],
    ['someone/Studio-GGUF', null],
    ['llama3.2:1b', null],
  ]);
  const files = () => readdirSync(join(engine.folder, 'home'), { recursive: true }).toSorted();
  const listed = files();
  const ids: Record<string, string> = { 'owner/Hub-GGUF': 'Hub-GGUF', 'someone/Studio-GGUF': 'Studio-GGUF', 'llama3.2:1b': 'llama3.2-1b' };
  for (const { name, path } of models) {
    const id = ids[name]!;
    expect((await engine.control('POST', '/control/library', { path })).json).toMatchObject({ id });
    await engine.comesTo(id, 'ready');
    // By its id, and as the tool that it comes from calls it.
    for (const called of [id, encodeURIComponent(name)]) {
      const answer = await engine.predict(called);
      expect(answer.json).toMatchObject({ model: id, runtime: 'llama' });
    }
    await engine.control('POST', `/control/models/${id}/unload`, {});
  }
  const again = (await engine.control('GET', '/control/found')).json as FoundModels;
  expect(again.models.map(({ registered }) => registered)).toEqual(['Hub-GGUF', 'Studio-GGUF', 'llama3.2-1b']);
  expect(files()).toEqual(listed);
});

test('a model that is pulled anew behind its name is read anew, and one that the tool removes is gone', async () => {
  const engine = await start(fillAll);
  const manifest = join(engine.ollama, 'manifests/registry.ollama.ai/library/llama3.2/1b');
  await engine.control('POST', '/control/library', { path: manifest });
  await engine.comesTo('llama3.2-1b', 'ready');
  writeOllamaModel(engine.ollama, 'llama3.2', '1b', tinyBytes(9));
  await eventually('the old bytes are let go', async () => (await engine.model('llama3.2-1b'))?.state !== 'ready');
  await engine.comesTo('llama3.2-1b', 'ready');
  const loads = engine.logged.filter((line) => line.startsWith('Loading llama3.2-1b')).length;
  expect(loads).toBe(2);
  expect(statSync(manifest).isFile()).toBe(true);
  rmSync(manifest);
  await eventually('it is gone', async () => (await engine.model('llama3.2-1b')) === undefined);
});

test('the command line lists them, adds one by name and all of them without loading; what is not whole is left', async () => {
  const engine = await start((stores) => {
    fillAll(stores);
    writeOllamaModel(stores.ollama, 'broken', 'latest', tinyBytes(5), false);
  });
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => void lines.push(line);
  const run = async (names: readonly string[], all = false, json = false) => {
    lines.length = 0;
    const code = await addFound({ stateFolder: engine.state, json }, names, all);
    return { code, out: lines.join('\n') };
  };
  try {
    const listed = await run([]);
    expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('4 models are already on this machine:') });
    expect(listed.out).toMatch(/owner\/Hub-GGUF +Hugging Face/);
    expect(listed.out).toMatch(/broken:latest +Ollama .*is not there yet/);
    await expect(run(['llama3'])).rejects.toMatchObject({ code: 'model-not-found', message: expect.stringContaining('llama3.2:1b') });
    expect(await run(['hub-gguf'])).toMatchObject({ code: 0, out: expect.stringContaining('is registered as Hub-GGUF') });
    await engine.comesTo('Hub-GGUF', 'ready');
    const rest = await run([], true, true);
    expect((JSON.parse(rest.out) as { id: string }[]).map(({ id }) => id)).toEqual(['Studio-GGUF', 'llama3.2-1b']);
    for (const id of ['Studio-GGUF', 'llama3.2-1b']) await engine.comesTo(id, 'unloaded');
    expect((await run([])).out).toContain('3 of them registered here');
    expect((await run([], true)).out).toContain('No model can be added');
  } finally {
    console.log = log;
  }
  expect(engine.logged.some((line) => line.startsWith('Loading llama3.2-1b'))).toBe(false);
});

test('nothing is said where there are none, or where one of them is known', async () => {
  const none = await start(() => {});
  expect((await none.control('GET', '/control/found')).json).toEqual({ models: [], problems: [], isCut: false });
  expect(none.logged.some((line) => line.includes('other tool'))).toBe(false);
});
