/**
 * Long settings texts: read and edited in a thread that is bounded, with the same answers and
 * errors as short ones, which need none.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settingsTemplate } from '../../main/cli/settings-template.ts';
import { createClock } from '../../main/io/clock.ts';
import { editSettings, readSettingsText } from '../../main/io/settings/settings-edit.ts';
import { loadSettings, watchSettings } from '../../main/io/settings/settings-file.ts';
import { createSettingsReader, IN_THIS_THREAD, type SettingsReader } from '../../main/io/settings/settings-reader.ts';
import type { SettingsQuestion } from '../../main/io/settings/settings-text.ts';
import { programs } from '../../main/programs.ts';
import { eventually } from '../helpers/eventually.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** Longer than what is read at once. */
const LONG = `models:\n${Array.from({ length: 300 }, (_, at) => `  m${at}: { pin: true }\n`).join('')}`;
const PIN = { path: ['models', 'm7', 'pin'], value: false };

let folder: string;
let file: string;
let closings: (() => Promise<void>)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-reader-'));
  file = join(folder, 'modelium.yaml');
  closings = [];
});

afterEach(async () => {
  for (const close of closings) await close();
  rmSync(folder, { recursive: true });
});

function readerOf(program: string, clock = createClock(() => {})): ReturnType<typeof createSettingsReader> {
  const reader = createSettingsReader(program, clock);
  closings.push(() => reader.close());
  return reader;
}

/** A program that never answers. */
function hanging(): string {
  const program = join(folder, 'hangs.mjs');
  writeFileSync(program, "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => {});");
  return program;
}

/** How often the event loop turned until the answer came. */
async function turnsUntil(answer: Promise<unknown>): Promise<number> {
  let isThere = false;
  void answer.finally(() => {
    isThere = true;
  });
  let turns = 0;
  for (; !isThere; turns += 1) await new Promise(setImmediate);
  return turns;
}

function write(text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
}

const reported = (answer: Promise<unknown>) =>
  answer.catch(({ code, message, details }) => ({ code, message, param: details.param ?? null }));

describe('a long text', () => {
  test.each<[string, Partial<SettingsQuestion>]>([
    ['read', { kind: 'settings' }],
    ['searched for programs', { kind: 'programs' }],
    ['shown', { kind: 'given' }],
    ['edited', { kind: 'edited', changes: [PIN] }],
  ])('is %s while the event loop turns', async (_, question) => {
    const asked = { file, text: LONG, kind: 'settings', ...question } as const;
    const reader = readerOf(programs.settings);
    expect(await turnsUntil(reader.ask(asked))).toBeGreaterThan(10);
    expect(await turnsUntil(IN_THIS_THREAD.ask(asked))).toBeLessThan(10);
    expect(await reader.ask(asked)).toEqual(await IN_THIS_THREAD.ask(asked));
  });

  test('one of few characters that many values are changed in is edited there, too', async () => {
    const changes = Array.from({ length: 100 }, (_, at) => ({ path: ['models', `m${at}`, 'pin'], value: true }));
    const reader = readerOf(programs.settings);
    expect(await turnsUntil(reader.ask({ kind: 'edited', file, text: 'api: {}\n', changes }))).toBeGreaterThan(10);
  });

  test.each<[string, Partial<SettingsQuestion>]>([
    ['wrong keys, with line and column', { text: `${LONG}  x: { pni: true }\napi: { prot: 1 }\n` }],
    ['no YAML', { text: `${LONG}  - ]\n` }],
    ['a refused edit, with the key at fault', { kind: 'edited', changes: [{ path: ['api', 'port'], value: 'many' }] }],
    ['an edit that names a program', { kind: 'edited', changes: [{ path: ['vllm', 'command'], value: '/bin/sh' }] }],
  ])('%s: the same error as that of a short one', async (_, question) => {
    const asked = { file, text: LONG, kind: 'settings', ...question } as const;
    const error = await reported(readerOf(programs.settings).ask(asked));
    expect(error).toMatchObject({ code: expect.stringMatching(/^settings-/), message: expect.any(String) });
    expect(error).toEqual(await reported(IN_THIS_THREAD.ask(asked)));
  });

  test('that takes too long is one sentence, and the old settings stay in force', async () => {
    write('metrics: { port: 1 }\n');
    const clock = createVirtualClock();
    const reader = readerOf(hanging(), clock);
    const said: unknown[] = [];
    const listeners = { onChange: (loaded: unknown) => said.push(loaded), onProblem: (sentence: string) => said.push(sentence) };
    const { checkNow } = watchSettings({ config: file }, await loadSettings({ config: file }), listeners, reader, () => () => {});
    write(LONG);
    const looked = checkNow();
    await eventually('the question', () => clock.pending > 0);
    await clock.advance(30_000);
    await looked;
    expect(said).toEqual([`${file} could not be read: it takes too long. Make it shorter.\nThe old settings stay in force.`]);
  });

  test('whose edit takes too long is as it was, and that is one sentence', async () => {
    write(LONG);
    const clock = createVirtualClock();
    const reader = readerOf(hanging(), clock);
    const { revision } = await readSettingsText({ config: file }, IN_THIS_THREAD);
    const error = reported(editSettings({ config: file }, { changes: [PIN], revision }, reader));
    await eventually('the question', () => clock.pending > 0);
    await clock.advance(30_000);
    expect(await error).toEqual({
      code: 'settings-refused',
      message: `${file} could not be edited from here: it takes too long. Edit it by hand.`,
      param: null,
    });
    expect(readFileSync(file, 'utf8')).toBe(LONG);
  });

  test('in the working folder does not count while nobody could look which programs it names', async () => {
    write(`${LONG}vllm: { command: /bin/evil }\n`);
    const places = { workingFolder: folder, configFolder: join(folder, 'config'), stateFolder: join(folder, 'state') };
    const reader: SettingsReader = {
      ask: (question) => (question.kind === 'programs' ? Promise.reject(new Error('it takes too long')) : IN_THIS_THREAD.ask(question)),
    };
    await expect(loadSettings(places, reader)).rejects.toThrow('it takes too long');
  });

  test('that is read when the engine ends is no problem of the file', async () => {
    write('metrics: { port: 1 }\n');
    const reader = readerOf(programs.settings);
    const said: unknown[] = [];
    const listeners = { onChange: (loaded: unknown) => said.push(loaded), onProblem: (sentence: string) => said.push(sentence) };
    const { checkNow } = watchSettings({ config: file }, await loadSettings({ config: file }), listeners, reader, () => () => {});
    write(LONG);
    await reader.close();
    await checkNow();
    expect(said).toEqual([]);
  });
});

describe('a text of the usual length needs no thread', () => {
  const reader = (): SettingsReader => readerOf('/nowhere.js');

  test.each([
    ['some keys', 'api: { port: 4711 } # mine\nmodels:\n  a: { pin: true }\n'],
    ['what `modelium init` writes', settingsTemplate()],
    ['very many comments', '# one more, of a good length\n'.repeat(300)],
  ])('%s', async (_, text) => {
    expect(await reader().ask({ kind: 'settings', file, text })).toEqual(await IN_THIS_THREAD.ask({ kind: 'settings', file, text }));
    const changes = [{ path: ['metrics', 'port'], value: 9_191 }];
    expect(await reader().ask({ kind: 'edited', file, text, changes })).toContain('9191');
  });
});
