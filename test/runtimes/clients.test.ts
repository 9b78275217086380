/**
 * Stock clients of other languages against a real engine whose model takes seconds to load: they
 * chat, stream while they wait, call tools, make objects by a schema and embed. Installed by
 * test/runtimes/setup-clients; without Go and Rust their clients are skipped by name.
 */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programs } from '../../main/programs.ts';
import { type Body, DEFAULTS, textBody } from '../../renderer/pages/playground/request.ts';
import { type Shown, snippet } from '../../renderer/pages/playground/snippets.ts';
import { predictPath } from '../../shared/api-predict.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { here } from './children.ts';

const run = promisify(execFile);
/** Shows the tools, and calls as Qwen's models write them. */
const TEMPLATE =
  '{% if tools %}{{ tools | tojson }} <tool_call>{% endif %}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}';
/** Beyond the first comments of a stream that waits. */
const LOAD_SECONDS = 4;
const folder = execFileSync(here('setup-clients'), ['--where']).toString().trim();
const go = join(folder, 'go-clients');
const rust = join(folder, 'rust-clients');

interface Checked {
  readonly check: string;
  readonly ok: boolean;
  readonly reported: string;
}

let live: LiveEngine;
beforeAll(async () => {
  await run(here('setup-clients'), []);
  live = await startLiveEngine({
    prepare: async ({ folder: root, watch }) => {
      const command = join(root, 'slow-llama');
      writeFileSync(command, `#!/bin/sh\nsleep ${LOAD_SECONDS}\nexec "${process.execPath}" "${programs.embeddedServer}" "$@"\n`);
      chmodSync(command, 0o755);
      await writeTinyGguf(watch, { name: 'talker', chatTemplate: TEMPLATE, contextTokens: 2_048 });
      await writeTinyGguf(watch, { name: 'words', kind: 'bert', contextTokens: 512 });
    },
  });
  await live.set({ llama: { command: join(live.folder, 'slow-llama') } });
  for (const name of ['talker', 'words']) await live.comesTo(name, 'ready', 120_000);
});
afterAll(() => live?.close());

async function checks(command: string, args: readonly string[]): Promise<readonly Checked[]> {
  const { stdout } = await run(command, [...args, live.address], { maxBuffer: 64 * 1024 * 1024 });
  // Some clients print sentences of their own.
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"check"') || line.includes('"check":'));
  return lines.map((line) => JSON.parse(line) as Checked);
}

const failures = (all: readonly Checked[]) => all.filter(({ ok }) => !ok).map(({ check, reported }) => `${check}: ${reported}`);

describe('stock clients', () => {
  test('of Python: openai, LangChain, LiteLLM, pydantic-ai, instructor', { timeout: 900_000 }, async () => {
    const all = await checks(join(folder, 'python', 'bin', 'python'), [here('clients/clients.py')]);
    expect(failures(all)).toEqual([]);
    expect(all).toHaveLength(26);
  });

  test('of Python, as the playground shows its requests: each runs, and gets what /predict answers', async () => {
    const python = join(folder, 'python', 'bin', 'python');
    const reported = async (shown: Shown) =>
      (await run(python, ['-c', snippet('Python', live.address, shown)], { encoding: 'utf8' })).stdout;
    const nasty = 'Say "it\'s" \\ {x} \n \u2028 \u{1f600} in a word';
    const parameters = { ...DEFAULTS, temperature: 0, maxTokens: 6, stop: '</never>' };
    const body = textBody('chat', [], nasty, parameters);
    const words = (asked: Body): Shown => ({ kind: 'words', modelId: 'talker', path: predictPath('talker'), body: asked });
    const answered = async (asked: Body) => ((await live.predict('talker', { ...asked, stream: false })).json as { text: string }).text;
    expect(await reported(words(body))).toBe(`${await answered(body)}\n`);
    const more = textBody('chat', [], nasty, parameters, 'and');
    expect(await reported(words(more))).toBe(`${await answered(more)}\n`);
    const embedded = await reported({ kind: 'embeddings', path: '/v1/embeddings', body: { model: 'words', input: ['a', nasty] } });
    expect(embedded).toMatch(/^\d+ \[[^\]]+\]\n\d+ \[[^\]]+\]\n$/);
    const json = JSON.parse(await reported({ kind: 'json', path: predictPath('words'), body: { input: [nasty] } })) as {
      embeddings: number[][];
    };
    expect(json.embeddings).toHaveLength(1);
  });

  test.skipIf(!existsSync(go) && !has('go', 'version'))('of Go: go-openai and the official openai-go', async () => {
    const all = await checks(go, []);
    expect(failures(all)).toEqual([]);
    expect(all).toHaveLength(6);
  });

  test.skipIf(!existsSync(rust) && !has('cargo', '--version'))('of Rust: async-openai', async () => {
    // Its first stream waits for the load.
    await live.predict('talker', { prompt: 'a', max_tokens: 1, keep_alive_seconds: 0 });
    await live.comesTo('talker', 'unloaded');
    const all = await checks(rust, []);
    expect(failures(all)).toEqual([]);
    expect(all).toHaveLength(4);
  });
});

function has(program: string, version: string): boolean {
  try {
    execFileSync(program, [version]);
    return true;
  } catch {
    return false;
  }
}
