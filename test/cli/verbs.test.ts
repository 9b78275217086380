/**
 * What each verb answers, and its exit code: a table, run in this process against one engine. The
 * built command is tried in live.test.ts and program.test.ts.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runProgram } from '../../main/cli/program.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';

let live: LiveEngine;

beforeAll(async () => {
  live = await startLiveEngine({ settings: { orchestration: { policies: { load: 'on_request' } } } });
  mkdirSync(join(live.folder, 'else'));
  await writeTinyGguf(join(live.folder, 'else'), { name: 'Qwen-Elsewhere', contextTokens: 512 });
  writeFileSync(join(live.folder, 'else', 'notes.txt'), 'no model');
  for (const name of ['Tiny-Chat-Q4', 'tiny-other']) {
    await live.drop(name);
    await live.comesTo(name, 'unloaded');
  }
});

afterAll(() => live.close());

/** One command line; HERE stands for the folder of this test. */
async function modelium(line: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const seen = { out: '', err: '' };
  const takes = (to: 'out' | 'err', end: string) => (text: unknown) => {
    seen[to] += `${String(text)}${end}`;
    return true;
  };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(takes('out', '\n')),
    vi.spyOn(console, 'error').mockImplementation(takes('err', '\n')),
    vi.spyOn(process.stdout, 'write').mockImplementation(takes('out', '')),
    vi.spyOn(process.stderr, 'write').mockImplementation(takes('err', '')),
  ];
  try {
    const args = line.map((word) => word.replace('HERE', live.folder));
    const code = await runProgram(['node', 'modelium', '--state-folder', live.state, ...args]);
    return { code, ...seen };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** In their order: each goes on from where the one before it left the engine. */
const LINES: readonly (readonly [readonly string[], number, RegExp, RegExp?])[] = [
  // Wrong words.
  [['lod'], 2, /^$/, /unknown verb 'lod'\nDid you mean load/],
  [['staus'], 2, /^$/, /Did you mean status/],
  [['frobnicate'], 2, /^$/, /unknown verb 'frobnicate'\n`modelium --help` lists the verbs\./],
  [['load'], 2, /^$/, /missing required argument 'model'\nFor example: modelium load qwen3\n`modelium load --help` explains it\./],
  [['--help'], 0, /Examples:\n {2}modelium serve --watch/],
  [['load', '--help'], 0, /Examples:\n {2}modelium load qwen3/],
  [['logs', '--level', 'loud'], 2, /^$/, /Give one of debug, info, warning, error\./],
  [['logs', '-n', '0'], 2, /^$/, /from 1 to 100000/],
  [['completion', 'tcsh'], 2, /^$/, /made for bash, zsh, fish/],
  [['service', 'restart'], 2, /^$/, /install, uninstall or status/],
  [['service', 'install', '--config', 'HERE/none.yaml'], 1, /^$/, /There is no settings file/],
  // What is not there, or is no model.
  [['add', 'HERE/nothing.gguf'], 1, /^$/, /There is no file or folder \S+nothing\.gguf\.\nGive the path/],
  [['add', 'HERE/else/notes.txt'], 1, /^$/, /was not added\. It is a text/],
  [['add'], 2, /^$/, /give a path/],
  [['plan', 'HERE/nothing.gguf'], 1, /^$/, /There is no file or folder/],
  [['plan', './nothing'], 1, /^$/, /There is no file or folder \.\/nothing/],
  [['plan', 'nobody'], 1, /^$/, /There is no model "?nobody"?/],
  [['plan', 'HERE/else/notes.txt'], 1, /refuse: It is a text/],
  [['load', 'tiny-othr'], 1, /^$/, /Did you mean tiny-other.*\n`modelium ls` lists the models\./],
  [['load', 'tiny'], 1, /^$/, /tiny is the beginning of several: Tiny-Chat-Q4, tiny-other\. Which of them\?/],
  [['forget', 'nobody'], 1, /^$/, /There is no model/],
  // Nothing is loaded.
  [['ps'], 0, /^Nothing is loaded\. A request loads a model, or: modelium load MODEL$/m],
  [['ls'], 0, /^tiny-other +unloaded +- +- +- +- +not loaded; the first request loads it$/m],
  [
    ['status'],
    0,
    /^engine +Modelium \S+ at http:\/\/127\.0\.0\.1:\d+, up for \d+ s\n(.*\n)*watches +\S+watch\nmodels +2: 2 unloaded\nCPU +[\d.]+ of [\d.]+ GiB used/,
  ],
  [['open'], 0, /^http:\/\/127\.0\.0\.1:\d+\/#token=\S+$/m],
  [['names'], 0, /^Tiny-Chat-Q4\ntiny-other\n$/],
  [
    ['plan', 'HERE/else/Qwen-Elsewhere.gguf'],
    0,
    /^place: On the CPU: there is no GPU here\n {2}needs \d+ MiB, [\d.]+ GiB free\n(?:.*\n)*? +RUNTIME +ON +NEEDS +LEAVE FIRST +WHY\nyes +llama +CPU +CPU \d+ MiB +- +fits$/m,
  ],
  // A life, by the beginnings of names and in any case.
  [['add', 'HERE/else/Qwen-Elsewhere.gguf'], 0, /registered as Qwen-Elsewhere\.\nAsk the model: modelium run Qwen-Elsewhere "Hello"$/m],
  [['load', 'TINY-C'], 0, /^ready Tiny-Chat-Q4: ready on llama$/m],
  [['run', 'tiny-c', 'Hello', '--max-tokens', '2'], 0, /./],
  [['run', 'tiny-c', 'Hello', '--max-tokens', '2', '--json'], 0, /"model": "Tiny-Chat-Q4"/],
  [
    ['ps'],
    0,
    /^MODEL +STATE +RUNTIME +ON +MEMORY +TOKENS\/S +REQUESTS +UNLOADS IN\n(.*\n)*Tiny-Chat-Q4 +ready +llama +CPU +\d+ MiB +[\d.,-]+ +- +\d+:\d\d$/m,
  ],
  [['pin', 'tiny-c'], 0, /Tiny-Chat-Q4 is pinned/],
  [['ps'], 0, /^Tiny-Chat-Q4 \(pinned\) .* never$/m],
  [
    ['why', 'tiny-c', '-n', '1'],
    0,
    /^Tiny-Chat-Q4 is ready: .*\n\S+ \S+ {2}Tiny-Chat-Q4: On the CPU: there is no GPU here\n +needs \d+ MiB, [\d.]+ GiB free\n +-> ready, [\d.]+ s/,
  ],
  [['logs', 'tiny-c', '-n', '2'], 0, /^[^\n]+\n[^\n]+\n$/],
  [['logs', '-n', '1', '--json'], 0, /^\[\n {2}"\S+Z .*"\n\]\n$/],
  [['logs', '--level', 'error'], 0, /^$/],
  [['unload', 'tiny-c'], 0, /^Tiny-Chat-Q4: unloaded\. \d+ MiB on CPU came free\.$/m],
  [['unload', 'tiny-c'], 0, /^Tiny-Chat-Q4: unloaded\. /],
  [['forget', 'qwen-else'], 0, /^Qwen-Elsewhere is forgotten\. Its files stay where they are\.$/m],
];

describe('a command line, its exit code and its words', () => {
  test.each(LINES.map(([line, code, out, err = /^/]) => ({ line, code, out, err })))('$line', async ({ line, code, out, err }) => {
    const ran = await modelium(line);
    expect([ran.code, ran.err], `${ran.out}${ran.err}`).toEqual([code, expect.stringMatching(err)]);
    expect(ran.out).toMatch(out);
    // Never a stack of ours.
    expect(ran.err).not.toMatch(/^ +at /m);
  });

  test('a line end in a name, or in what a file says, begins no line', async () => {
    const evil = 'evil\nFAKE row';
    const folder = join(live.folder, 'else', evil);
    mkdirSync(folder);
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ architectures: [`Arch\r\nFAKE row`], model_type: 'x\nFAKE row' }));
    writeFileSync(join(folder, `${evil}.bin`), 'no model');
    await writeTinyGguf(join(live.folder, 'else'), { name: 'evil-tiny', contextTokens: 512 });
    renameSync(join(live.folder, 'else', 'evil-tiny.gguf'), join(live.folder, 'else', `${evil}.gguf`));
    const id = 'evil FAKE row';
    for (const line of [
      ['plan', folder],
      ['add', folder],
      ['plan', `${folder}.gguf`],
      ['add', `${folder}.gguf`],
      ['load', id],
      ['why', id, '--details'],
      ['unload', id],
      ['plan', `${folder}-not-here`],
      ['load', `${evil}.gguf`],
      ['ls'],
      ['forget', id],
    ]) {
      const { out, err } = await modelium(line);
      expect(out + err, line.join(' ')).not.toMatch(/^FAKE/m);
      expect(out + err, line.join(' ')).not.toBe('');
    }
  });

  test('load of what lacks files ends at once, and says which', async () => {
    const folder = join(live.watch, 'halfway');
    mkdirSync(folder);
    writeFileSync(join(folder, 'config.json'), '{"model_type":"llama","architectures":["LlamaForCausalLM"]}');
    writeFileSync(join(folder, 'model.safetensors.index.json'), '{"weight_map":{"a":"model-00001-of-00002.safetensors"}}');
    await vi.waitUntil(async () => (await live.model('halfway')) !== undefined, { timeout: 60_000, interval: 50 });
    const ran = await modelium(['load', 'halfway']);
    expect(ran).toMatchObject({ code: 1, out: expect.stringContaining('model-00001-of-00002.safetensors') });
  });
});
