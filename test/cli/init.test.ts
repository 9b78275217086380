import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { settingsTemplate } from '../../main/cli/settings-template.ts';
import { editSettings, readSettingsText } from '../../main/io/settings/settings-edit.ts';
import { IN_THIS_THREAD } from '../../main/io/settings/settings-reader.ts';
import { parseSettings } from '../../main/io/settings/settings-text.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';
import { settingsKeys } from '../../shared/settings-keys.ts';
import { BUILT_COMMAND } from '../helpers/built-app.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-init-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function modelium(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, XDG_CONFIG_HOME: join(root, 'c'), XDG_STATE_HOME: join(root, 's') };
    execFile(process.execPath, [BUILT_COMMAND, 'init', ...args], { env, cwd: root, timeout: 25_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const uncommented = (text: string): string => text.replaceAll(/^#/gm, '');

describe('the text', () => {
  const text = settingsTemplate();

  test('as it is changes nothing', () => {
    expect(parse(text)).toBeNull();
    expect(parseSettings(text, 'f')).toEqual(DEFAULT_SETTINGS);
  });

  test('without the # of each line it says every default, and nothing else', () => {
    const { models, remotes, runtimes, ...stated } = parse(uncommented(text));
    const { models: _, remotes: ___, runtimes: __, ...defaults } = DEFAULT_SETTINGS;
    expect(stated).toEqual(defaults);
    expect([models, remotes, runtimes]).toEqual([null, null, null]);
    expect(parseSettings(uncommented(text), 'f')).toEqual(DEFAULT_SETTINGS);
  });

  test.each(['models', 'runtimes'] as const)(
    'without two of them it shows every key of %s, with values that may stand there',
    (section) => {
      const block = text.slice(text.indexOf(`#${section}:`)).split('\n\n')[0] ?? '';
      const named = parseSettings(uncommented(uncommented(block)), 'f')[section]['NAME'] ?? {};
      const keys = settingsKeys().filter(({ path }) => path[0] === section && path.length === 3);
      expect(Object.keys(named)).toEqual(keys.map(({ path }) => path[2]));
    },
  );

  test('explains every key', () => {
    const words = text.replaceAll(/\n#+ +#? ?/g, ' ');
    for (const { description, needsRestart } of settingsKeys()) {
      expect(words).toContain(needsRestart ? `${description} Takes effect at the next start.` : description);
    }
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(115);
  });
});

describe('the verb', () => {
  test('writes to the user’s folder, for the owner only, and says what comes next', async () => {
    const file = join(root, 'c', 'modelium', 'modelium.yaml');
    const { code, out } = await modelium();
    expect(code).toBe(0);
    expect(out).toContain(`Wrote ${file}`);
    expect(out).toContain('`modelium check`');
    expect(readFileSync(file, 'utf8')).toBe(settingsTemplate());
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('never over a file, unless it is told to', async () => {
    const file = join(root, 'my.yaml');
    writeFileSync(file, 'api: {}');
    chmodSync(file, 0o644);
    const refused = await modelium('my.yaml');
    expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringContaining('already exists') });
    expect(readFileSync(file, 'utf8')).toBe('api: {}');
    const { out } = await modelium('my.yaml', '--force', '--json');
    expect(JSON.parse(out)).toEqual({ path: file });
    expect(readFileSync(file, 'utf8')).toBe(settingsTemplate());
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('into a folder; a file elsewhere is to be named', async () => {
    mkdirSync(join(root, 'folder'));
    const { out } = await modelium('folder');
    expect(existsSync(join(root, 'folder', 'modelium.yaml'))).toBe(true);
    expect(out).toContain(`--config ${join(root, 'folder', 'modelium.yaml')}`);
  });

  test('what it wrote can be edited by the form', async () => {
    await modelium();
    const places = { workingFolder: root, configFolder: join(root, 'c', 'modelium') };
    const { revision, file } = await readSettingsText(places, IN_THIS_THREAD);
    await editSettings(places, { changes: [{ path: ['models', 'tiny', 'pin'], value: true }], revision }, IN_THIS_THREAD);
    expect(readFileSync(file ?? '', 'utf8')).toBe(`${settingsTemplate()}models:\n  tiny:\n    pin: true\n`);
  });
});
