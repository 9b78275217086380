/**
 * A Hugging Face folder on a real engine with a real llama.cpp and no Python: converted, served,
 * found again in the cache, converted anew when it changed or the cache was emptied; and whatever
 * ends a conversion in the middle leaves nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DecisionRow } from '../shared/decision.ts';
import { BUILT_COMMAND } from './helpers/built-app.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyFolder } from './helpers/tiny-folder.ts';

/** Takes the converter more than a second. */
const LARGE = 500_000_000;

const converted = (folder: string): readonly string[] =>
  existsSync(join(folder, 'cache', 'converted')) ? readdirSync(join(folder, 'cache', 'converted')) : [];

describe('a folder of safetensors', () => {
  let live: LiveEngine;
  let source: string;
  beforeAll(async () => {
    live = await startLiveEngine();
    source = await writeTinyFolder(join(live.watch, 'folder'));
    await live.comesTo('folder', 'ready', 60_000);
  });
  afterAll(() => live.close());

  const rows = async (): Promise<readonly DecisionRow[]> => {
    const { json } = await live.control('GET', '/control/decisions?model=folder');
    return json.decisions.filter(({ action }: DecisionRow) => action === 'prepare');
  };
  const conversions = async (): Promise<number> => (await rows()).length;

  test('is converted and answers, and the story says so', async () => {
    const chat = { model: 'folder', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 };
    const { status, json } = await live.ask('POST', '/v1/chat/completions', chat);
    expect(status).toBe(200);
    expect(json.usage.completion_tokens).toBeGreaterThan(0);
    expect((await live.predict('folder', { prompt: 'Hello', max_tokens: 4 })).status).toBe(200);
    const story = live.logged.join('\n');
    expect(story).toContain('Converting folder to a GGUF first, with its weights as BF16');
    expect(story).toMatch(/folder converted \(\d+ KiB, [\d.]+ s\)\nBrain decision for folder: llama/);
    expect((await live.model('folder'))?.plan).toMatchObject({ form: 'transformers', preparation: { type: 'BF16' } });
    expect((await rows())[0]).toMatchObject({ outcome: { ok: true, message: 'converted', seconds: expect.any(Number) } });
  });

  test('lies in the cache folder, readable by its owner only, and nothing beside the person’s files', () => {
    const [file, ...others] = converted(live.folder);
    expect(others).toEqual([]);
    expect(file).toMatch(/^[0-9a-f]{40}-[0-9a-f]{24}\.gguf$/);
    expect(statSync(join(live.folder, 'cache', 'converted', file!)).mode & 0o777).toBe(0o600);
    expect(readdirSync(source).toSorted()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']);
  });

  test('is not converted a second time', async () => {
    await live.control('POST', '/control/models/folder/unload');
    await live.comesTo('folder', 'unloaded');
    expect((await live.predict('folder', { prompt: 'Hello', max_tokens: 1 })).status).toBe(200);
    expect(await conversions()).toBe(1);
  });

  test('is converted again when the cache was emptied', async () => {
    await live.control('POST', '/control/models/folder/unload');
    await live.comesTo('folder', 'unloaded');
    rmSync(join(live.folder, 'cache'), { recursive: true });
    expect((await live.predict('folder', { prompt: 'Hello', max_tokens: 1 })).status).toBe(200);
    expect(await conversions()).toBe(2);
  });

  test('is converted again when its files changed, and code that its configuration names now asks for no trust', async () => {
    const before = converted(live.folder);
    await writeTinyFolder(source, { seed: 9, config: { auto_map: { AutoModelForCausalLM: 'modeling_llama.LlamaForCausalLM' } } });
    await eventually('another conversion', async () => (await conversions()) === 3, 20_000);
    await live.comesTo('folder', 'ready', 60_000);
    expect(converted(live.folder).filter((name) => !before.includes(name))).toHaveLength(1);
  });

  test('is not written anew after a change of rights, but is where a weight was changed and its time set back', async () => {
    const weights = join(source, 'model.safetensors');
    const { mtime, size } = statSync(weights);
    const made = () => {
      const all = converted(live.folder).map((name) => join(live.folder, 'cache', 'converted', name));
      return all.toSorted((one, other) => statSync(one).ino - statSync(other).ino);
    };
    const inodes = () => made().map((file) => statSync(file).ino);
    const contents = () => made().map((file) => readFileSync(file, 'latin1'));
    /** Before the change is noticed, a load is broken off by it. */
    const changed = async (change: () => void) => {
      await live.control('POST', '/control/models/folder/unload');
      await live.comesTo('folder', 'unloaded');
      change();
      await eventually('an answer', async () => (await live.predict('folder', { prompt: 'Hello', max_tokens: 1 })).status === 200, 20_000);
    };
    const before = { made: made(), inodes: inodes(), contents: contents() };
    await changed(() => chmodSync(weights, 0o600));
    expect([inodes(), contents()]).toEqual([before.inodes, before.contents]);
    expect(made()).not.toEqual(before.made);
    await changed(() => {
      const descriptor = openSync(weights, 'r+');
      writeSync(descriptor, Uint8Array.of(1, 2, 3, 4), 0, 4, size - 4);
      closeSync(descriptor);
      utimesSync(weights, mtime, mtime);
    });
    expect(made()).toHaveLength(before.made.length);
    expect(contents().filter((content) => !before.contents.includes(content))).toHaveLength(1);
  });

  test('with a tensor that has no place is blocked with its name, and no conversion begins', async () => {
    const before = (await rows()).length;
    await writeTinyFolder(join(live.watch, 'strange'), { more: { 'model.layers.0.strange.weight': [4, 4] } });
    const model = await live.comesTo('strange', 'blocked', 60_000);
    expect(model.message).toContain("llama.cpp's llama has no tensor for model.layers.0.strange.weight (4 x 4)");
    expect(await rows()).toHaveLength(before);
  });

  test('of an architecture that is not converted is blocked with its name and the runtime that would take it', async () => {
    await writeTinyFolder(join(live.watch, 'unknown'), { config: { architectures: ['MysteryForCausalLM'], model_type: 'mystery' } });
    const model = await live.comesTo('unknown', 'blocked', 60_000);
    expect(model.message).toContain('MysteryForCausalLM is not one of the architectures that Modelium turns into a GGUF');
    expect(model.message).toContain('vllm would serve it, but: vLLM is not installed here');
  });
});

describe('a conversion in the middle', () => {
  let live: LiveEngine | null = null;
  afterEach(async () => {
    await live?.close();
    live = null;
  });

  test('shows its progress, and ends at once when a person unloads it: nothing is left', async () => {
    live = await startLiveEngine();
    await writeTinyFolder(join(live.watch, 'large'), { minimumBytes: LARGE });
    await eventually('progress', async () => ((await live!.model('large'))?.progress ?? 0) > 0, 60_000);
    expect((await live.model('large'))?.state).toBe('preparing');
    await live.control('POST', '/control/models/large/unload');
    const model = await live.comesTo('large', 'unloaded', 10_000);
    expect(model.message).toBeTruthy();
    expect(converted(live.folder)).toEqual([]);
  });

  test('is refused with the figures where the cache may not grow so far', async () => {
    live = await startLiveEngine({ settings: { cache: { max_gb: 0.1 } } });
    await writeTinyFolder(join(live.watch, 'large'), { minimumBytes: 200_000_000 });
    const model = await live.comesTo('large', 'failed', 60_000);
    expect(model.message).toMatch(/Its GGUF takes 2\d\d MiB, and cache\.max_gb allows 95 MiB: raise it\./);
  });
});

test('kill -9 of the engine in the middle: the converter ends too, and the next start leaves nothing of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-converting-'));
  const watch = join(folder, 'watch');
  mkdirSync(watch);
  const settings = { orchestration: { model_discovery: { watch_directories: [watch] } }, api: { port: 0 }, metrics: { enabled: false } };
  writeFileSync(join(folder, 'modelium.yaml'), JSON.stringify({ ...settings, cache: { folder: join(folder, 'cache') } }));
  let story = '';
  const start = (): ChildProcess => {
    const args = [BUILT_COMMAND, '--state-folder', join(folder, 'state'), 'serve'];
    const child = spawn(process.execPath, [...args, '--config', join(folder, 'modelium.yaml')], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      story += text;
    });
    return child;
  };
  const parts = (): readonly string[] => converted(folder).filter((name) => name.endsWith('.part'));
  await writeTinyFolder(join(watch, 'large'), { minimumBytes: LARGE });
  let engine = start();
  try {
    await eventually('a conversion', () => parts().length === 1, 60_000);
    expect(parts()[0]).toContain(`.${engine.pid}-`);
    const converters = childrenOf(engine.pid!, 'convert/program');
    expect(converters).toHaveLength(1);
    engine.kill('SIGKILL');
    await eventually('the end of the converter', () => !isAlive(converters[0]!));
    story = '';
    engine = start();
    const address = await eventually('the engine', () => /Server ready at (\S+)/.exec(story)?.[1], 60_000);
    expect(parts()).toEqual([]);
    // What was known before a restart waits for a request.
    const body = JSON.stringify({ model: 'large', prompt: 'Hello', max_tokens: 1 });
    const answer = async (): Promise<number> => (await fetch(`${address}/v1/completions`, { method: 'POST', body })).status;
    await eventually('an answer', async () => (await answer()) === 200, 60_000);
    expect(parts()).toEqual([]);
    expect(converted(folder)).toHaveLength(1);
    const ended = new Promise((done) => engine.once('exit', done));
    engine.kill('SIGTERM');
    await ended;
  } finally {
    engine.kill('SIGKILL');
    await sleep(200);
    rmSync(folder, { recursive: true, force: true });
  }
});

function childrenOf(parent: number, program: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isChild = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] === String(parent);
        return isChild && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program);
      } catch {
        return false;
      }
    });
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has ended: only its parent, which is gone, has not heard of it.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
