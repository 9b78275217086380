import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { editSettings, readSettingsText } from '../../main/io/settings/settings-edit.ts';
import type { SettingsPlaces } from '../../main/io/settings/settings-file.ts';
import { IN_THIS_THREAD } from '../../main/io/settings/settings-reader.ts';
import { checkInput } from '../../shared/api-input.ts';
import { settingsEditSchema } from '../../shared/api-settings.ts';

let root: string;
let places: SettingsPlaces;
let file: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-edit-'));
  mkdirSync(join(root, 'working'));
  file = join(root, 'config', 'modelium.yaml');
  places = { workingFolder: join(root, 'working'), configFolder: join(root, 'config') };
});

afterEach(() => rmSync(root, { recursive: true }));

function write(text: string, mode = 0o640, path = file): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

const PORT = { path: ['api', 'port'], value: 8001 };

async function edit(...changes: { path: (string | number)[]; value: unknown }[]): Promise<void> {
  const { revision } = await readSettingsText(places, IN_THIS_THREAD);
  await editSettings(places, { changes, revision }, IN_THIS_THREAD);
}

function files(): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((each) => (each.isDirectory() ? [] : each.name));
}

describe('what is written', () => {
  test('the file in its place, with its mode and its comments, and nothing beside it', async () => {
    write('# mine\napi: { port: 1 } # it\n');
    await edit(PORT, { path: ['metrics', 'enabled'], value: false });
    expect(readFileSync(file, 'utf8')).toBe('# mine\napi: { port: 8001 } # it\nmetrics:\n  enabled: false\n');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(files()).toEqual(['modelium.yaml']);
  });

  test('none yet: it is made in the user’s folder, for the owner only', async () => {
    expect(await readSettingsText(places, IN_THIS_THREAD)).toEqual({ file: null, target: file, given: {}, revision: 'none' });
    await edit(PORT);
    expect(readFileSync(file, 'utf8')).toBe('api:\n  port: 8001\n');
    expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(await readSettingsText(places, IN_THIS_THREAD)).toMatchObject({ file, target: file, given: { api: { port: 8001 } } });
  });

  test('the one that is in force: the working folder’s goes before the user’s', async () => {
    const here = join(root, 'working', 'modelium.yaml');
    write('api: { port: 1 }\n');
    write('api: { port: 2 }\n', 0o600, here);
    await edit(PORT);
    expect(readFileSync(here, 'utf8')).toBe('api: { port: 8001 }\n');
    expect(readFileSync(file, 'utf8')).toBe('api: { port: 1 }\n');
  });

  test('a link stays one; what it points to is edited, or made', async () => {
    const real = join(root, 'dotfiles', 'm.yaml');
    write('api: { port: 1 }\n', 0o600, real);
    mkdirSync(dirname(file));
    symlinkSync('../dotfiles/m.yaml', file);
    await edit(PORT);
    expect(readFileSync(real, 'utf8')).toBe('api: { port: 8001 }\n');
    rmSync(real);
    await edit(PORT);
    expect(readFileSync(real, 'utf8')).toBe('api:\n  port: 8001\n');
    expect(files().toSorted()).toEqual(['m.yaml', 'modelium.yaml']);
  });

  test('a file that is wrong can be mended', async () => {
    write('api:\n  prot: 1\n');
    expect((await readSettingsText(places, IN_THIS_THREAD)).given).toEqual({ api: { prot: 1 } });
    await edit({ path: ['api', 'prot'], value: null }, PORT);
    expect(readFileSync(file, 'utf8')).toBe('api:\n  port: 8001\n');
  });
});

describe('what is refused leaves the file alone', () => {
  test.each<[string, string, { path: (string | number)[]; value: unknown }[], object]>([
    [
      'wrong values, all at once',
      'api: {}\n',
      [
        { path: ['api', 'port'], value: 'many' },
        { path: ['gpus', 'reserve_mb'], value: -1 },
      ],
      {
        code: 'settings-refused',
        message: 'api.port: expected a number.\ngpus.reserve_mb: expected a number of at least 0.',
        details: { param: 'api.port' },
      },
    ],
    [
      'an unknown key',
      '',
      [{ path: ['api', 'prot'], value: 1 }],
      { code: 'settings-refused', message: expect.stringContaining('Did you mean "port"?'), details: { param: 'api.prot' } },
    ],
    ['a path through a value', 'api: {port: 1}\n', [{ path: ['api', 'port', 'x'], value: 1 }], { code: 'settings-refused' }],
    ['what is no YAML', 'api: [\n', [PORT], { code: 'settings-invalid', message: expect.stringMatching(/modelium\.yaml:\d+:\d+: /) }],
    ['a large file', `# ${'x'.repeat(130 * 1024)}\n`, [PORT], { code: 'settings-refused', message: expect.stringContaining('too large') }],
    ['a name of an ancestor', '', [{ path: ['models', 'constructor', 'x'], value: 1 }], { code: 'settings-refused' }],
  ])('%s', async (_, text, changes, error) => {
    write(text);
    await expect(edit(...changes)).rejects.toMatchObject(error);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(files()).toEqual(['modelium.yaml']);
  });

  test('a revision that is no longer the file’s', async () => {
    write('api: { port: 1 }\n');
    const { revision } = await readSettingsText(places, IN_THIS_THREAD);
    write('api: { port: 2 }\n');
    await expect(editSettings(places, { changes: [PORT], revision }, IN_THIS_THREAD)).rejects.toMatchObject({ code: 'settings-changed' });
    await expect(editSettings(places, { changes: [PORT], revision: 'none' }, IN_THIS_THREAD)).rejects.toMatchObject({
      code: 'settings-changed',
    });
    expect(readFileSync(file, 'utf8')).toBe('api: { port: 2 }\n');
  });

  test('a read-only file', async () => {
    write('api: { port: 1 }\n', 0o444);
    await expect(edit(PORT)).rejects.toMatchObject({ code: 'settings-unwritable', message: expect.stringContaining('it is read-only') });
    expect(files()).toEqual(['modelium.yaml']);
  });

  test('a folder that cannot take the new file', async () => {
    const long = join(root, `${'x'.repeat(250)}.yaml`);
    write('api: { port: 1 }\n', 0o600, long);
    places = { config: long };
    await expect(edit(PORT)).rejects.toMatchObject({ code: 'settings-unwritable', message: expect.stringContaining('ENAMETOOLONG') });
    expect(readFileSync(long, 'utf8')).toBe('api: { port: 1 }\n');
    mkdirSync(dirname(file));
    symlinkSync(join(root, 'nowhere', 'm.yaml'), file);
    places = { workingFolder: join(root, 'working'), configFolder: join(root, 'config') };
    await expect(edit(PORT)).rejects.toMatchObject({
      code: 'settings-unwritable',
      message: expect.stringContaining('folder is not there'),
    });
  });

  test('a file that cannot be read, or is no YAML, has nothing that a form could show', async () => {
    write('api: [\n');
    expect(await readSettingsText(places, IN_THIS_THREAD)).toMatchObject({
      file,
      given: null,
      revision: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    rmSync(file);
    mkdirSync(file);
    expect(await readSettingsText(places, IN_THIS_THREAD)).toEqual({ file, target: file, given: null, revision: 'unreadable' });
    await expect(edit(PORT)).rejects.toMatchObject({ code: 'settings-invalid' });
  });

  test('an engine that runs without a file', async () => {
    places = { ...places, config: null };
    expect(await readSettingsText(places, IN_THIS_THREAD)).toMatchObject({ file: null, target: null });
    await expect(edit(PORT)).rejects.toMatchObject({ code: 'no-settings-file' });
    expect(existsSync(file)).toBe(false);
  });

  test('two edits from the same revision: the second one has to look first', async () => {
    write('api: {}\n');
    const { revision } = await readSettingsText(places, IN_THIS_THREAD);
    const both = [1, 2].map((value) => editSettings(places, { changes: [{ ...PORT, value }], revision }, IN_THIS_THREAD));
    const ended = await Promise.allSettled(both);
    expect(ended.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    for (const each of ended) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'settings-changed' });
    expect(readFileSync(file, 'utf8')).toMatch(/^api: \{ port: [12] \}\n$/);
  });
});

describe('a body that asks for too much, or for anything but settings', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  test.each<[string, unknown]>([
    ['no changes', []],
    ['101 changes', Array.from({ length: 101 }, () => PORT)],
    ['a path that leads nowhere', [{ path: [], value: 1 }]],
    ['a path that is too long', [{ path: Array(9).fill('a'), value: 1 }]],
    ['a key that is too long', [{ path: ['x'.repeat(201)], value: 1 }]],
    ['the prototype', [{ path: ['__proto__', 'x'], value: 1 }]],
    ['the prototype within', [{ path: ['models'], value: JSON.parse('{"a": {"__proto__": {"pin": true}}}') }]],
    ['half an index', [{ path: ['a', 0.5], value: 1 }]],
    ['no value', [{ path: ['api', 'port'] }]],
    ['what is no JSON', [{ path: ['api', 'port'], value: Number.NaN }]],
    ['a value that is too deep', [{ path: ['a'], value: deep(20) }]],
    ['a value that is too large', [{ path: ['a'], value: Array.from({ length: 600 }, () => 1) }]],
    ['a text that is too long', [{ path: ['a'], value: 'x'.repeat(10_001) }]],
    ['another key', [{ ...PORT, force: true }]],
  ])('%s', (_, changes) => {
    expect(() => checkInput(settingsEditSchema, { changes, revision: 'none' })).toThrow(expect.objectContaining({ code: 'invalid-body' }));
  });

  test('a good one passes', () => {
    expect(checkInput(settingsEditSchema, { changes: [PORT, { path: ['a', 0], value: null }], revision: 'x' }).changes).toHaveLength(2);
  });
});
