import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expandHome, modeliumFolders } from '../../main/io/folders.ts';
import { type LoadedSettings, loadSettings, parseSettings, watchSettings } from '../../main/io/settings-file.ts';
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
    expect(await loadSettings({ workingFolder, configFolder })).toEqual({ file: null, settings: DEFAULT_SETTINGS, warnings: [] });
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
    expect(loaded.warnings).toEqual([expect.stringContaining(`${here} is ignored: others may write it`)]);
    expect((await loadSettings({ config: here })).settings.metrics.port).toBe(2);
  });

  test('null asks for the defaults, whatever lies about', async () => {
    await write(workingFolder, 'broken: [');
    expect((await loadSettings({ config: null, workingFolder, configFolder })).file).toBeNull();
  });

  test('an explicit one must be there', async () => {
    await expect(loadSettings({ config: join(root, 'none.yaml') })).rejects.toMatchObject({ code: 'settings-invalid' });
  });

  test('a demand for a runtime that is not there yet is a warning', async () => {
    await write(workingFolder, 'triton: { enabled: true }');
    expect((await loadSettings({ workingFolder, configFolder })).warnings).toEqual([expect.stringContaining('triton')]);
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
    let told = '';
    try {
      parseSettings(text, 'f.yaml');
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'settings-invalid' });
      told = (thrown as Error).message;
    }
    for (const part of expected) expect(told).toContain(part);
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

  test('an empty file and comments alone mean the defaults', () => {
    expect(parseSettings('', 'f.yaml')).toEqual(DEFAULT_SETTINGS);
    expect(parseSettings('# nothing\n', 'f.yaml')).toEqual(DEFAULT_SETTINGS);
  });
});

describe('watching', () => {
  function watched(config?: string) {
    const events: (LoadedSettings | string)[] = [];
    let look: () => Promise<void> = async () => {};
    const { lookNow } = watchSettings(
      { config, workingFolder, configFolder },
      { onChange: (loaded) => events.push(loaded), onProblem: (sentence) => events.push(sentence) },
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
    const { events, looks } = watched();
    await looks(3);
    expect(events).toEqual([]);
    await write(workingFolder, 'metrics: { port: 20 }');
    await looks(1);
    expect(events).toEqual([]);
    await looks(3);
    expect(events).toMatchObject([{ settings: { metrics: { port: 20 } } }]);
  });

  test('who knows that the file is whole need not wait until it is still', async () => {
    await write(workingFolder, 'metrics: { port: 1 }');
    const { events, looks, lookNow } = watched();
    await looks(1);
    await write(workingFolder, 'metrics: { port: 20 }');
    await lookNow();
    expect(events).toMatchObject([{ settings: { metrics: { port: 20 } } }]);
    await Promise.all([looks(2), lookNow(), lookNow()]);
    expect(events).toHaveLength(1);
  });

  test('an editor that replaces the file, a broken edit, its mending', async () => {
    const file = await write(workingFolder, 'metrics: { port: 1 }');
    const { events, looks } = watched(file);
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
    const { events, looks } = watched();
    await looks(2);
    const file = await write(configFolder, 'metrics: { port: 5 }');
    await looks(2);
    await rm(file);
    await looks(2);
    expect(events).toMatchObject([{ file, settings: { metrics: { port: 5 } } }, { file: null }]);
  });

  test('an explicit file that goes keeps the old settings', async () => {
    const file = await write(configFolder, 'metrics: { port: 5 }');
    const { events, looks } = watched(file);
    await looks(2);
    await rm(file);
    await looks(3);
    expect(events).toEqual([expect.stringContaining('cannot be read')]);
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
