import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { completionScript } from '../../main/cli/completion.ts';
import { meantBy } from '../../main/cli/model-name.ts';
import { table } from '../../main/cli/output.ts';
import { PastedInput, withLineEnds } from '../../main/cli/pasted-input.ts';
import { unitText } from '../../main/cli/service.ts';
import { MODEL_VERBS } from '../../main/cli/verbs-models.ts';
import { WordWrap } from '../../main/cli/word-wrap.ts';
import { kindsInWords } from '../../main/io/devices/gpu.ts';
import { parseSettings } from '../../main/io/settings/settings-text.ts';

describe('the model that a word means', () => {
  const models = ['Qwen3-8B', 'qwen3', 'Llama-3', 'Llama-3.1'].map((id) => ({ id, aliases: id === 'Llama-3' ? ['meta/llama'] : [] }));
  test.each([
    ['qwen3', 'qwen3'],
    ['QWEN3', 'qwen3'],
    ['qwen3-', 'Qwen3-8B'],
    ['llama-3', 'Llama-3'],
    ['llama-3.', 'Llama-3.1'],
    ['meta/llama', 'meta/llama'],
    ['nobody', 'nobody'],
    ['', ''],
  ])('%s', (word, id) => {
    expect(meantBy(word, models)).toBe(id);
  });

  test('a beginning of several names is nobody’s', () => {
    expect(() => meantBy('q', models)).toThrow('q is the beginning of several: Qwen3-8B, qwen3. Which of them?');
  });
});

describe('tables fit the terminal', () => {
  const { isTTY, columns } = process.stdout;
  afterEach(() => Object.assign(process.stdout, { isTTY, columns }));
  const rows = [['a-model-with-a-long-name', 'ready', 'On the CPU: both GPUs are full of other things that go on and on']];

  test('the last column is cut first, then the widest; not with --wide, and not in a pipe', () => {
    Object.assign(process.stdout, { isTTY: true, columns: 60 });
    const plain = (text: string) => text.replaceAll(/\p{Cc}\[\d+m/gu, '');
    const [, cut = ''] = plain(table(['MODEL', 'STATE', 'WHY'], rows)).split('\n');
    expect(cut).toBe('a-model-with-a-long-name  ready  On the CPU: both GPUs are…');
    expect(plain(table(['MODEL', 'STATE', 'WHY'], rows, true)).split('\n')[1]).toMatch(/go on and on$/);
    Object.assign(process.stdout, { columns: 40 });
    for (const line of plain(table(['MODEL', 'STATE', 'WHY'], rows)).split('\n')) expect(line.length).toBeLessThanOrEqual(40);
    const wrapped = plain(table(['MODEL', 'STATE', 'WHY'], rows, 'wrap')).split('\n');
    expect(wrapped.length).toBeGreaterThan(3);
    expect(wrapped.join(' ').replaceAll(/\s+/g, ' ')).toContain('both GPUs are full of other things that go on and on');
    Object.assign(process.stdout, { isTTY: false });
    expect(table(['MODEL', 'STATE', 'WHY'], rows).split('\n')[1]).toMatch(/go on and on$/);
  });
});

describe('a paste is one question', () => {
  function through(chunks: readonly string[]): string {
    const input = new PastedInput({ setRawMode: () => process.stdin });
    let out = '';
    input.on('data', (text) => (out += String(text)));
    for (const chunk of chunks) input.write(Buffer.from(chunk));
    return out;
  }

  test.each([
    ['whole', ['\u001b[200~a\r\nb\nc\rd\u001b[201~\r']],
    ['in pieces, the marks cut too', ['\u001b[20', '0~a\n', 'b\nc\n', 'd\u001b[2', '01~\r']],
    ['byte by byte', [...'\u001b[200~a\nb\nc\nd\u001b[201~\r']],
  ])('%s', async (_, chunks) => {
    const out = await new Promise<string>((done) => setImmediate(() => done(through(chunks))));
    await new Promise(setImmediate);
    expect(withLineEnds(out)).toBe('a\nb\nc\nd\r');
    expect(out).not.toContain('\n');
  });

  test('keys go through as they are', () => {
    expect(through(['\u001b', '[A', 'x\r'])).toBe('\u001b[Ax\r');
  });
});

describe('answers break at words', () => {
  const wrap = (pieces: readonly string[], columns = 10): string => {
    const words = new WordWrap(() => columns);
    return pieces.map((piece) => words.push(piece)).join('') + words.end();
  };
  test.each<[string, readonly string[], string]>([
    ['between two', ['one two three'], 'one two \nthree'],
    ['a word that comes in pieces', ['one two th', 'ree'], 'one two \nthree'],
    ['a line end of its own', ['one\ntwo three'], 'one\ntwo three'],
    ['a word longer than a line', ['abcdefghijklmno p'], 'abcdefghijklmno \np'],
    ['code keeps its lines', ['```\nlong line of code\n```\nlong line of text'], '```\nlong line of code\n```\nlong line \nof text'],
  ])('%s', (_, pieces, expected) => {
    expect(wrap(pieces)).toBe(expected);
  });
});

test('bash completes verbs, options and names by the script', () => {
  const script = completionScript('bash', MODEL_VERBS);
  const complete = (...words: readonly string[]) =>
    execFileSync(
      'bash',
      [
        '-c',
        `${script}\nmodelium() { printf 'qwen3\\nllama\\n'; }\nCOMP_WORDS=(modelium "$@"); COMP_CWORD=$#; _modelium; echo "\${COMPREPLY[@]}"`,
        'bash',
        ...words,
      ],
      {
        encoding: 'utf8',
      },
    ).trim();
  expect(complete('lo')).toBe('load logs');
  expect(complete('load', 'q')).toBe('qwen3');
  expect(complete('ls', '--w')).toBe('--wide');
  expect(complete('logs', '--level', 'w')).toBe('warning');
  expect(completionScript('zsh', MODEL_VERBS)).toMatch(/^#compdef modelium\n/);
  expect(completionScript('fish', MODEL_VERBS)).toContain(
    "complete -c modelium -n '__fish_seen_subcommand_from load' -f -a '(modelium names 2>/dev/null)'",
  );
});

test('a unit starts words as they are, whatever systemd reads into them', () => {
  expect(unitText(['/app/modelium'], { ELECTRON_RUN_AS_NODE: '1' })).toContain(
    '[Service]\nEnvironment=ELECTRON_RUN_AS_NODE=1\nExecStart="/app/modelium"\n',
  );
  expect(unitText(['/a b/node', '/c/$x%h"\\y', 'serve'])).toContain('ExecStart="/a b/node" "/c/$$x%%h\\"\\\\y" "serve"\n');
});

test('several kinds of GPU are told by kind', () => {
  expect(kindsInWords(['RTX 4090', 'L40S', 'RTX 4090'])).toBe('2 × RTX 4090 + 1 × L40S');
});

test.each([
  ['api:\n\tport: 1\n', /^x:2:1: this line is indented with a tab: use spaces\./],
  ['api: { port: 1, port: 2 }\n', /^x:1:17: this key is here twice/],
  ['api:\n  port: 80\n port: 3\n', /^x:3:1: this line is not indented like its neighbours/],
  ['api: "unclosed\n', /^x:2:1: something is not closed here/],
  ['a: [*y]\n', /^x: an alias \(\*name\) has no anchor/],
])('YAML that is none is told in our words: %j', (text, words) => {
  expect(() => parseSettings(text, 'x')).toThrow(words);
});

describe('the command of a checkout', () => {
  let root: string;
  const run = (...args: readonly string[]) => {
    try {
      return {
        code: 0,
        out: execFileSync(process.execPath, [join(root, 'bin/modelium.js'), ...args], { encoding: 'utf8', stdio: 'pipe' }),
        err: '',
      };
    } catch (thrown) {
      const { status, stdout, stderr } = thrown as { status: number; stdout: string; stderr: string };
      return { code: status, out: stdout, err: stderr };
    }
  };

  test('builds on first use, hands words and exit codes on, and never shows a stack', () => {
    root = mkdtempSync(join(tmpdir(), 'modelium-bin-'));
    try {
      cpSync(resolve(import.meta.dirname, '../../bin'), join(root, 'bin'), { recursive: true });
      writeFileSync(join(root, 'package.json'), '{"type":"module"}');
      expect(run('ls')).toMatchObject({ code: 1, err: expect.stringMatching(/not installed yet\. Run `npm ci` in/) });
      mkdirSync(join(root, 'node_modules'));
      mkdirSync(join(root, 'main'));
      writeFileSync(join(root, 'main/build.ts'), 'process.exit(3);');
      expect(run('ls')).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringMatching(/^Building Modelium, once.*\nmodelium: it could not be built/s),
      });
      const command = "process.stdout.write('ran ' + process.argv.slice(2).join(' '));\nprocess.exitCode = 7;\n";
      const build = `import { mkdirSync, writeFileSync } from 'node:fs';
        const folder: string = new URL('../dist/main', import.meta.url).pathname;
        mkdirSync(folder, { recursive: true });
        writeFileSync(folder + '/cli.js', ${JSON.stringify(command)});`;
      writeFileSync(join(root, 'main/build.ts'), build);
      expect(run('ls', '--json')).toMatchObject({ code: 7, out: 'ran ls --json', err: expect.stringMatching(/^Building Modelium, once/) });
      expect(run('ps')).toMatchObject({ code: 7, out: 'ran ps', err: '' });
      // A Node that is too old takes the one that npm installed here.
      const old = join(root, 'old.mjs');
      writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '20.1.0' });\n");
      mkdirSync(join(root, 'node_modules/.bin'));
      writeFileSync(join(root, 'node_modules/.bin/node'), `#!/bin/sh\necho own node\nexec ${process.execPath} "$@"\n`);
      chmodSync(join(root, 'node_modules/.bin/node'), 0o755);
      const onOld = (...args: readonly string[]) =>
        execFileSync(process.execPath, ['--import', old, join(root, 'bin/modelium.js'), ...args, '|| true'], {
          encoding: 'utf8',
          stdio: 'pipe',
        });
      expect(() => onOld('ls')).toThrow(expect.objectContaining({ status: 7, stdout: expect.stringMatching(/^own node\nran ls/) }));
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
