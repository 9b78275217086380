import { execFileSync } from 'node:child_process';
import { chmod, chown, lchown, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { trustSettings } from '../../main/cli/trust-settings.ts';
import { expandHome, modeliumFolders } from '../../main/io/folders.ts';
import { type LoadedSettings, loadSettings, watchSettings } from '../../main/io/settings/settings-file.ts';
import { IN_THIS_THREAD } from '../../main/io/settings/settings-reader.ts';
import { parseSettings } from '../../main/io/settings/settings-text.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';

let root: string;
let workingFolder: string;
let configFolder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'modelium-settings-'));
  workingFolder = join(root, 'working');
  configFolder = join(root, 'config');
  await mkdir(workingFolder);
  await mkdir(configFolder);
});

afterEach(() => rm(root, { recursive: true }));

async function write(folder: string, text: string, mode = 0o644): Promise<string> {
  const file = join(folder, 'modelium.yaml');
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

describe('which file', () => {
  test('none is fine', async () => {
    expect(await loadSettings({ workingFolder, configFolder })).toMatchObject({ file: null, settings: DEFAULT_SETTINGS, warnings: [] });
  });

  test("the working folder's goes before the user's", async () => {
    const users = await write(configFolder, 'metrics: { port: 1 }');
    expect((await loadSettings({ workingFolder, configFolder })).file).toBe(users);
    const here = await write(workingFolder, 'metrics: { port: 2 }');
    const loaded = await loadSettings({ workingFolder, configFolder });
    expect([loaded.file, loaded.settings.metrics.port]).toEqual([here, 2]);
  });

  test('one that others may write is ignored, and that is said', async () => {
    const here = await write(workingFolder, 'metrics: { port: 2 }', 0o666);
    const loaded = await loadSettings({ workingFolder, configFolder });
    expect(loaded.file).toBeNull();
    expect(loaded.warnings).toEqual([expect.stringContaining(`${here} is ignored: other users can write it; \`chmod go-w ${here}\``)]);
  });

  test.each([0o666, 0o664, 0o646])('one that others may write (mode %o) is refused, wherever it lies', async (mode) => {
    const sentence = (file: string) => ({
      code: 'settings-invalid',
      message: expect.stringContaining(`${file} cannot be used: other users can write it; \`chmod go-w ${file}\``),
    });
    const users = await write(configFolder, 'metrics: { port: 2 }', mode);
    await expect(loadSettings({ workingFolder, configFolder })).rejects.toMatchObject(sentence(users));
    await expect(loadSettings({ config: users })).rejects.toMatchObject(sentence(users));
    await symlink(users, join(root, 'link.yaml'));
    await expect(loadSettings({ config: join(root, 'link.yaml') })).rejects.toMatchObject({ code: 'settings-invalid' });
  });

  test.runIf(process.getuid?.() === 0)("another user's is refused, for root too, also behind a link of one's own", async () => {
    const theirs = await write(root, 'metrics: { port: 2 }');
    await chown(theirs, 12_345, 12_345);
    await symlink(theirs, join(configFolder, 'modelium.yaml'));
    const sentence = expect.stringMatching(/cannot be used: it belongs to another user \(number 12345\); `chown 0 /);
    await expect(loadSettings({ workingFolder, configFolder })).rejects.toMatchObject({ message: sentence });
    await expect(loadSettings({ config: theirs })).rejects.toMatchObject({ message: sentence });
    await symlink(theirs, join(workingFolder, 'modelium.yaml'));
    await rm(join(configFolder, 'modelium.yaml'));
    const loaded = await loadSettings({ workingFolder, configFolder });
    expect([loaded.file, loaded.warnings]).toEqual([null, [expect.stringContaining('is ignored: it belongs to another user')]]);
  });

  test('one in a folder where anybody may replace it is refused', async () => {
    const users = await write(configFolder, 'metrics: { port: 2 }');
    await chmod(configFolder, 0o777);
    await expect(loadSettings({ workingFolder, configFolder })).rejects.toThrow(/everybody can replace it; `chmod o-w /);
    await symlink(users, join(root, 'link.yaml'));
    await expect(loadSettings({ config: join(root, 'link.yaml') })).rejects.toThrow(/everybody can replace it; `chmod o-w .*config`/);
    await chmod(configFolder, 0o1777);
    expect((await loadSettings({ workingFolder, configFolder })).file).toBe(users);
  });

  test.runIf(process.getuid?.() === 0)(
    'one in a folder of another user, or of a group with others in it, is refused, for root too',
    async () => {
      const users = await write(configFolder, 'metrics: { port: 2 }');
      await chmod(configFolder, 0o775);
      expect((await loadSettings({ workingFolder, configFolder })).file).toBe(users);
      await chown(configFolder, 0, 12_345);
      await expect(loadSettings({ workingFolder, configFolder })).rejects.toThrow(
        /the group with the number 12345 can replace it; `chmod g-w .*config` fixes that/,
      );
      // The folder's owner may put a link there to a file of ours, whatever the rights of others.
      for (const mode of [0o755, 0o1777]) {
        await chmod(configFolder, mode);
        await chown(configFolder, 12_345, 0);
        await expect(loadSettings({ workingFolder, configFolder })).rejects.toThrow(/user number 12345 can replace it: .*config belongs/);
      }
    },
  );

  test.runIf(process.getuid?.() === 0)(
    'and so is one on a way that another user can turn: a folder above, a link in a common folder, a link on the way',
    async () => {
      const [theirs, common] = [join(root, 'theirs'), join(root, 'common')];
      for (const folder of [theirs, join(theirs, 'ours'), common]) await mkdir(folder);
      await chmod(common, 0o1777);
      const users = await write(join(theirs, 'ours'), 'metrics: { port: 2 }');
      const own = await write(configFolder, 'metrics: { port: 2 }');
      // Each leads to a file of ours, in a folder of ours.
      const link = join(common, 'link.yaml');
      await symlink(own, link);
      await symlink(configFolder, join(theirs, 'folder'));
      await symlink(link, join(root, 'chain.yaml'));
      const ways = [users, link, join(theirs, 'folder', 'modelium.yaml'), join(root, 'chain.yaml')];
      for (const config of ways) expect((await loadSettings({ config })).file).toBe(config);
      await chown(theirs, 12_345, 12_345);
      await lchown(link, 12_345, 12_345);
      for (const config of ways) await expect(loadSettings({ config })).rejects.toThrow(/user number 12345 can replace it/);
    },
  );

  test.each(['pipe', 'device', 'folder', 'huge file'])('a %s is none, and holds nobody up', async (kind) => {
    const file = join(configFolder, 'modelium.yaml');
    if (kind === 'pipe') execFileSync('mkfifo', [file]);
    if (kind === 'device') await symlink('/dev/zero', file);
    if (kind === 'folder') await mkdir(file);
    if (kind === 'huge file') await truncate(await write(configFolder, 'a'), 2 ** 40);
    const why =
      kind === 'huge file' ? /it has 1099511627776 bytes; at most 196608 are read/ : new RegExp(`it is a ${kind}, not a regular file`);
    await expect(loadSettings({ workingFolder, configFolder })).rejects.toThrow(why);
    await expect(loadSettings({ config: file })).rejects.toThrow(why);
  });

  test("the working folder's names programs only when a person has agreed to these once", async () => {
    const here = await write(workingFolder, 'llama: { command: /bin/evil, args: [a] }\nmetrics: { port: 2 }');
    const places = { workingFolder, configFolder, stateFolder: join(root, 'state') };
    const before = await loadSettings(places);
    expect(before.file).toBeNull();
    expect(before.warnings).toEqual([
      expect.stringContaining(`(llama.command, llama.args); read it, and allow them once with \`modelium trust ${here}\``),
    ]);
    expect((await loadSettings({ ...places, config: here })).settings.llama.command).toBe('/bin/evil');
    const reported = vi.spyOn(console, 'log').mockImplementation(() => {});
    const shared = { stateFolder: places.stateFolder, json: false };
    const trust = (off: boolean) => trustSettings(shared, here, { yes: true, off, show: false });
    expect(await trust(false)).toBe(0);
    expect(reported.mock.calls.join('\n')).toContain('llama.command: "/bin/evil"');
    expect((await loadSettings(places)).settings.llama.command).toBe('/bin/evil');
    // The same words in another folder are about other programs, and so is an environment beside
    // the file.
    const elsewhere = join(root, 'elsewhere');
    await mkdir(elsewhere);
    await write(elsewhere, 'llama: { command: /bin/evil, args: [a] }\nmetrics: { port: 2 }');
    expect((await loadSettings({ ...places, workingFolder: elsewhere })).file).toBeNull();
    await rm(join(elsewhere, 'modelium.yaml'));
    await symlink(here, join(elsewhere, 'modelium.yaml'));
    expect((await loadSettings({ ...places, workingFolder: elsewhere })).file).toBeNull();
    await mkdir(join(workingFolder, '.venv'));
    expect((await loadSettings(places)).warnings).toEqual([expect.stringContaining('(llama.command, llama.args, .venv)')]);
    await rm(join(workingFolder, '.venv'), { recursive: true });
    // What else it says may change; other programs are asked about anew.
    await write(workingFolder, 'metrics: { port: 3 }\nllama: { args: [a], command: /bin/evil }');
    expect((await loadSettings(places)).settings.metrics.port).toBe(3);
    await write(workingFolder, 'llama: { command: /bin/evil, args: [b] }');
    expect((await loadSettings(places)).file).toBeNull();
    await write(workingFolder, 'llama: { command: /bin/evil, args: [a] }');
    await trust(true);
    reported.mockRestore();
    expect((await loadSettings(places)).file).toBeNull();
  });

  test('null asks for the defaults, whatever lies about', async () => {
    await write(workingFolder, 'broken: [');
    expect((await loadSettings({ config: null, workingFolder, configFolder })).file).toBeNull();
  });

  test('an explicit one must be there', async () => {
    await expect(loadSettings({ config: join(root, 'none.yaml') })).rejects.toMatchObject({ code: 'settings-invalid' });
  });

  test.each([
    ['runtimes:\n  vllm: { command: x }\n', /^f:2:3: runtimes\.vllm: expected another name/],
    ['runtimes:\n  my server: { command: x }\n', /^f:2:3: runtimes\.my server: expected a name of at most 64/],
    ['runtimes:\n  mine: { args: [] }\n', /^f:2:9: runtimes\.mine\.command: expected a text/],
    ['runtimes:\n  mine: { command: x, protocol: v3 }\n', /^f:2:33: runtimes\.mine\.protocol: expected "openai" or "v2" or "none"/],
    ['models:\n  a: { runtime: mine }\n', /^f:2:17: models\.a\.runtime: expected "llama" or "vllm"/],
  ])('a server of one’s own that is none is refused with its place: %j', (text, sentence) => {
    expect(() => parseSettings(text, 'f')).toThrow(sentence);
  });
});

describe('what is wrong, with line and column', () => {
  test.each<[string, string, readonly string[]]>([
    ['an unknown key', 'metrics:\n  prot: 9090\n', ['f.yaml:2:3: unknown key "metrics.prot". Did you mean "port"?']],
    ['a wrong value', 'api:\n  port: lots\n', ['f.yaml:2:9: api.port: expected a number.']],
    ['two at once', 'apy: 1\nmetrics: { port: -1 }\n', ['f.yaml:2:18: metrics.port', 'f.yaml:1:1: unknown key "apy"']],
    ['broken YAML', 'api: [1,\nmetrics: 3', ['f.yaml:']],
    ['a key twice', 'api: {}\napi: {}\n', ['f.yaml:2:1: ']],
    ['a list element', 'api:\n  cors_origins:\n    - 3\n', ['f.yaml:3:7: api.cors_origins.0: expected a text.']],
    ['an alias that leads nowhere', 'api: *x\n', ['f.yaml']],
  ])('%s', (_, text, expected) => {
    let reported = '';
    try {
      parseSettings(text, 'f.yaml');
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'settings-invalid' });
      reported = (thrown as Error).message;
    }
    for (const part of expected) expect(reported).toContain(part);
  });

  test.each([
    ['a tag', '!'.repeat(100_000)],
    ['a key', `${'k'.repeat(1_000)}: 1`],
    ['a key of many lines', `? "${'k'.repeat(100_000)}"\n: 1`],
    ['a name', `models: { ? "${'k'.repeat(100_000)}" : { pin: 3 } }`],
    ['a setting below it', `models: { ? "\\n${'k'.repeat(100_000)}" : { pni: 3 } }`],
  ])('of %s that goes on and on, its beginning is enough', (_, text) => {
    const problem = (() => {
      try {
        return parseSettings(text, 'f.yaml');
      } catch (thrown) {
        return (thrown as Error).message;
      }
    })();
    expect(problem).toEqual(expect.any(String));
    for (const line of String(problem).split('\n')) expect(line).toMatch(/^f\.yaml:.{20,500}$/);
  });

  test('a key that is a list is one that is not known, and the parser says nothing of its own', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    expect(() => parseSettings('? [a, b]\n: 1\n', 'f.yaml')).toThrow('f.yaml:1:1: unknown key "[ a, b ]"');
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  test('a bomb of aliases is refused', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) =>
        `  - &a${level} [${
          level === 0
            ? 'x'
            : Array(9)
                .fill(`*a${level - 1}`)
                .join(',')
        }]`,
    );
    expect(() => parseSettings(`llama:\n  args:\n${levels.join('\n')}\n`, 'f.yaml')).toThrow(/f\.yaml/);
  });

  test('a long list that many aliases repeat is refused, short ones are not', () => {
    const repeated = (length: number) => `models:\n  a: &a { args: [${'xyz, '.repeat(length)}x] }\n${aliases}`;
    const aliases = Array.from({ length: 90 }, (_, at) => `  b${at}: *a\n`).join('');
    expect(() => parseSettings(repeated(2_000), 'f.yaml')).toThrow(
      'f.yaml: aliases (*name) repeat more than 262144 characters: use fewer of them.',
    );
    expect(Object.keys(parseSettings(repeated(100), 'f.yaml').models)).toHaveLength(91);
    expect(
      parseSettings(`models: { a: { args: [${'"", '.repeat(4_000)}"${'x'.repeat(150_000)}"] } }`, 'f.yaml').models['a']?.args,
    ).toHaveLength(4_001);
  });

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', 'api: '.concat('{a: '.repeat(20_000), '}'.repeat(20_000))],
    ['list marks', '- '.repeat(50_000)],
    ['list marks with more than a space', `${'-  '.repeat(40)}x`],
    ['list marks, some on each line', Array.from({ length: 12 }, (_, line) => `${' '.repeat(line * 6)}- - -`).join('\n')],
    ['keys on one line, which the parser follows', `a: {${'a : '.repeat(40_000)}}`],
    ['indents', Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('%s inside each other are one sentence', (_what, text) => {
    expect(() => parseSettings(text, 'f.yaml')).toThrow(/^f\.yaml:[1-9]\d*:[1-9]\d*: this is nested more than 32 deep\.$/);
  });

  test.each([
    ['keys', Array.from({ length: 28_000 }, (_, at) => `a${at}:`).join('\n')],
    ['tags', `models: [${'!x,'.repeat(40_000)}]`],
    ['brackets', `models: [${'[] '.repeat(40_000)}]`],
    ['anchors and aliases', Array.from({ length: 12_000 }, (_, at) => `- &a${at} 1\n- *a${at}`).join('\n')],
  ])('very many %s are one sentence, and are not compared with each other', (_what, text) => {
    expect(() => parseSettings(text, 'f.yaml')).toThrow(/^f\.yaml:[1-9]\d*:[1-9]\d*: these are more than 5000 entries\.$/);
  });

  test('comments count for nothing', () => {
    expect(parseSettings('# a, b\n\n'.repeat(10_000), 'f.yaml')).toEqual(DEFAULT_SETTINGS);
  });

  test('long is not deep', () => {
    const models = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`m${index}`, { args: ['- a: b', '[{}]'], context: 4_096 }]),
    );
    const spaced = JSON.stringify({ models }).replaceAll(',"', ', "').replaceAll(':', ': ');
    expect(Object.keys(parseSettings(spaced, 'f.yaml').models)).toHaveLength(200);
  });

  test('an empty file and comments alone mean the defaults', () => {
    expect(parseSettings('', 'f.yaml')).toEqual(DEFAULT_SETTINGS);
    expect(parseSettings('# nothing\n', 'f.yaml')).toEqual(DEFAULT_SETTINGS);
  });
});

describe('watching', () => {
  async function watched(config?: string) {
    const places = { config, workingFolder, configFolder, stateFolder: join(root, 'state') };
    const inForce = await loadSettings(places);
    const events: (LoadedSettings | string)[] = [];
    let look: () => Promise<void> = async () => {};
    const { checkNow: lookNow } = watchSettings(
      places,
      inForce,
      { onChange: (loaded) => events.push(loaded), onProblem: (sentence) => events.push(sentence) },
      IN_THIS_THREAD,
      (_, callback) => {
        look = callback;
        return () => {};
      },
    );
    const looks = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count += 1) await look();
    };
    return { events, looks, lookNow };
  }

  test('an edit is applied once, when it is still', async () => {
    await write(workingFolder, 'metrics: { port: 1 }');
    const { events, looks } = await watched();
    await looks(3);
    expect(events).toEqual([]);
    await write(workingFolder, 'metrics: { port: 20 }');
    await looks(1);
    expect(events).toEqual([]);
    await looks(3);
    expect(events).toMatchObject([{ settings: { metrics: { port: 20 } } }]);
  });

  test('an edit between the reading and the first look is read too', async () => {
    await write(workingFolder, 'metrics: { port: 1 }');
    const { events, looks } = await watched();
    await write(workingFolder, 'metrics: { port: 20 }');
    await looks(3);
    expect(events).toMatchObject([{ settings: { metrics: { port: 20 } } }]);
  });

  test('who knows that the file is whole need not wait until it is still', async () => {
    await write(workingFolder, 'metrics: { port: 1 }');
    const { events, looks, lookNow } = await watched();
    await looks(1);
    await write(workingFolder, 'metrics: { port: 20 }');
    await lookNow();
    expect(events).toMatchObject([{ settings: { metrics: { port: 20 } } }]);
    await Promise.all([looks(2), lookNow(), lookNow()]);
    expect(events).toHaveLength(1);
  });

  test('an editor that replaces the file, a broken edit, its mending', async () => {
    const file = await write(workingFolder, 'metrics: { port: 1 }');
    const { events, looks } = await watched(file);
    await looks(2);
    await writeFile(`${file}.new`, 'metrics: { port: ');
    await rename(`${file}.new`, file);
    await looks(4);
    expect(events).toEqual([expect.stringContaining('The old settings stay in force.')]);
    await writeFile(file, 'metrics: { port: 7 }');
    await looks(3);
    expect(events[1]).toMatchObject({ settings: { metrics: { port: 7 } } });
  });

  test('a file that appears, and goes', async () => {
    const { events, looks } = await watched();
    await looks(2);
    const file = await write(configFolder, 'metrics: { port: 5 }');
    await looks(2);
    await rm(file);
    await looks(2);
    expect(events).toMatchObject([{ file, settings: { metrics: { port: 5 } } }, { file: null }]);
  });

  test('an edit that names programs nobody has agreed to is a problem, not another file', async () => {
    const here = await write(workingFolder, 'metrics: { port: 1 }');
    await write(configFolder, 'metrics: { port: 2 }');
    const { events, looks } = await watched();
    await looks(2);
    await write(workingFolder, 'vllm: { command: /bin/evil }');
    await looks(3);
    expect(events).toEqual([
      expect.stringMatching(new RegExp(`${here} is ignored: it names programs .*The old settings stay in force`, 's')),
    ]);
  });

  test('an explicit file that goes keeps the old settings', async () => {
    const file = await write(configFolder, 'metrics: { port: 5 }');
    const { events, looks } = await watched(file);
    await looks(2);
    await rm(file);
    await looks(3);
    expect(events).toEqual([expect.stringContaining('cannot be used')]);
  });
});

test.each([
  [{}, '/home/me/.local/state/modelium'],
  [{ XDG_STATE_HOME: '/elsewhere' }, '/elsewhere/modelium'],
  [{ XDG_STATE_HOME: 'relative' }, '/home/me/.local/state/modelium'],
])('the state folder under %j', (environment, state) => {
  expect(modeliumFolders(environment, '/home/me').state).toBe(state);
});

test.each([
  ['~', '/home/me'],
  ['~/a', '/home/me/a'],
  ['/x/~', '/x/~'],
  ['~other/a', '~other/a'],
])('%s is %s', (path, expanded) => {
  expect(expandHome(path, '/home/me')).toBe(expanded);
});
