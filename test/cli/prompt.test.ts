/**
 * The questions that the command line asks on a terminal: a real one (util-linux `script`), a real
 * engine, and hostile names in what is shown.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCodeModel } from '../helpers/code-model.ts';
import { eventually } from '../helpers/eventually.ts';
import { tinyBytes, writeLmStudioModel } from '../helpers/model-stores.ts';
import { type Home, makeHome, type Served, startServe } from '../helpers/serve.ts';

const CLI = join(import.meta.dirname, '../../dist/main/cli.js');
const ESCAPE = '\u001b';
/** Clears the line that it stands in, and writes another name over it. */
const HOSTILE = `good.py${ESCAPE}[2K${ESCAPE}[1Ginnocent.txt\u202e.py`;

let home: Home;
let served: Served;

beforeAll(async () => {
  home = makeHome();
  writeCodeModel(join(home.watch, 'coded'));
  writeFileSync(join(home.watch, 'coded', HOSTILE), `print("hidden")${ESCAPE}[8m\n`);
  const models = join(home.root, '.lmstudio/models');
  writeLmStudioModel(models, 'maker/one', 'one.gguf', tinyBytes(1));
  writeLmStudioModel(models, 'maker/two', 'two.gguf', tinyBytes(2));
  served = await startServe(home);
  await served.becomes('coded', 'blocked');
});

afterAll(async () => {
  await served?.end('SIGTERM');
  await home?.remove();
});

/** Runs it on a terminal of its own. @param answer typed when the question stands. */
async function onTerminal(args: readonly string[], question: RegExp, answer: string): Promise<{ code: number | null; shown: string }> {
  const command = [process.execPath, CLI, '--state-folder', home.state, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env: { ...process.env, HOME: home.root, TERM: 'xterm', NO_COLOR: '' } });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const ended = once(child, 'close') as Promise<[number | null]>;
  await eventually('the question', () => question.test(shown));
  child.stdin.write(`${answer}\r`);
  const [code] = await ended;
  return { code, shown };
}

describe.sequential('on a terminal', () => {
  test('trust shows each file harmlessly, and whoever says no, or nothing, has trusted nothing', async () => {
    for (const answer of ['n', '', 'nonsense']) {
      const { code, shown } = await onTerminal(['trust', 'coded', '--show'], /\[y\/N\]/, answer);
      expect({ answer, code }).toEqual({ answer, code: 1 });
      expect(shown).toContain('Nothing was changed.');
      expect(shown).toContain('innocent.txt');
      // Neither the name nor the text of the file steers the terminal, and no character turns the
      // direction of reading.
      for (const steering of [`${ESCAPE}[2K${ESCAPE}[1Ginnocent`, `${ESCAPE}[8m`, '\u202e']) expect(shown).not.toContain(steering);
      expect((await served.model('coded'))?.state).toBe('blocked');
    }
  });

  test('trust by yes is trust in just these bytes', async () => {
    const { code, shown } = await onTerminal(['trust', 'coded'], /\[y\/N\]/, 'y');
    expect(code).toBe(0);
    expect(shown).toMatch(/coded is \w+/);
    await served.says(/coded is trusted: its code \(transformers, \d files\) may run here/);
  });

  test('add --found takes what is typed: nothing, or one by its number', async () => {
    const none = await onTerminal(['add', '--found'], /Which of them\?/, '');
    expect(none.shown).toContain('2 models are already on this machine');
    expect(await served.model('one')).toBeUndefined();
    const one = await onTerminal(['add', '--found'], /Which of them\?/, '2');
    expect(one.code).toBe(0);
    await served.becomes('two', 'ready');
    expect(await served.model('one')).toBeUndefined();
  });
});
