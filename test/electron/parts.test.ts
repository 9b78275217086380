/** The shell's pure parts: what it was called with, and where the window goes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { idOf } from '../../main/core/notice/model-ids.ts';
import { autostartEntry } from '../../main/electron/autostart-entry.ts';
import { readFlags } from '../../main/electron/flags.ts';
import { pageOfLink } from '../../main/electron/links.ts';
import { showsTray } from '../../main/electron/tray-presence.ts';
import { boundsFor, readPlace, writePlace } from '../../main/electron/window-place.ts';
import { outsideArchive } from '../../main/packaged.ts';

describe('what it was called with', () => {
  test.each([
    // A checkout: the first word is the app's folder.
    [['--no-sandbox', '.', '--state-folder', 's'], false, { stateFolder: '/here/s', config: null, verb: null }],
    [['.', '--config=/etc/m.yaml', '--state-folder=/s'], false, { stateFolder: '/s', config: '/etc/m.yaml', verb: null }],
    [['.', 'serve'], false, { stateFolder: null, config: null, verb: null }],
    // Packaged: the first word is a verb.
    [[], true, { stateFolder: null, config: null, verb: null }],
    [['--ozone-platform=wayland', '--user-data-dir=/p'], true, { stateFolder: null, config: null, verb: null }],
    [['--no-sandbox', 'serve', '--config', 'c'], true, { stateFolder: null, config: null, verb: ['serve', '--config', 'c'] }],
    [
      ['--state-folder', 's', 'ls', '--json'],
      true,
      { stateFolder: '/here/s', config: null, verb: ['--state-folder', '/here/s', 'ls', '--json'] },
    ],
    [['--help'], true, { stateFolder: null, config: null, verb: ['--help'] }],
  ])('%j, packaged: %j', (given, packaged, flags) => {
    expect(readFlags(given, packaged, '/here')).toEqual({ ...flags, link: null, isHidden: false });
  });

  test("a link never becomes a verb, nor do words beside it; --hidden is the login's", () => {
    for (const packaged of [true, false]) {
      const { verb, link } = readFlags(['.', 'modelium://models/tiny', 'serve', '--help'], packaged, '/here');
      expect([verb, link]).toEqual([null, 'modelium://models/tiny']);
    }
    expect(readFlags(['MODELIUM:serve'], true, '/here')).toMatchObject({ verb: null, link: 'MODELIUM:serve' });
    expect(readFlags(['--hidden'], true, '/here')).toMatchObject({ verb: null, isHidden: true });
  });
});

describe('a modelium:// link', () => {
  test.each([
    ['modelium://models', 'models'],
    ['modelium://box/', 'box'],
    ['modelium://models/tiny.Q4_K_M', 'models/tiny.Q4_K_M'],
    ['modelium://playground/my%20model', 'playground/my%20model'],
    ['modelium://models/base:lora', 'models/base%3Alora'],
    ['modelium://models/Qwen%2FQwen3-4B', 'models/Qwen%2FQwen3-4B'],
    ['modelium://settings/models', 'settings/models'],
    ...[
      'Qwen3 (copy) [v2] {x}',
      '_draft',
      '@home+work',
      'नमस्ते',
      '🦙-7b',
      '語'.repeat(120),
      // The longest that pictures make: 1,440 characters of an address.
      '🦙'.repeat(120),
    ].map((name) => {
      expect(idOf(name), 'an id as the engine makes it').toBe(name);
      return [`modelium://models/${encodeURIComponent(name)}`, `models/${encodeURIComponent(name)}`];
    }),
  ])('%s shows %s', (link, page) => {
    expect(pageOfLink(link)).toBe(page);
  });

  test.each([
    'modelium://do/add',
    'modelium://models/tiny/unload',
    'modelium://models/tiny?force=true',
    'modelium://models#token=stolen',
    'modelium://box/anything',
    'modelium://user:secret@models',
    'modelium://models:80',
    'modelium://models/%2e%2e%2fetc',
    'modelium://models/../../etc/passwd',
    'modelium://models/%00',
    'modelium://models/%E2%80%AEevil',
    'modelium://models/%',
    'modelium://models/<script>',
    'modelium:models',
    'modelium://',
    'modelium:///models',
    'MODELIUM://models',
    'modelium://constructor',
    'http://models',
    ' modelium://models',
    'modelium://models\n--no-sandbox',
    `modelium://models/${'a'.repeat(400)}`,
  ])('%j does nothing', (link) => {
    expect(pageOfLink(link)).toBeNull();
  });
});

test('what the login starts keeps its words, whatever is in them', () => {
  const words = ['/opt/My App/modelium', '--state-folder', '/home/50%/"a" $b `c` \\d', '--hidden'];
  const [program = '', ...args] = words;
  const exec = /^Exec=(.*)$/m.exec(autostartEntry({ program, args }))?.[1] ?? '';
  // Read as the specification of desktop entries says: the file's escapes first, then the quotes,
  // then the fields.
  const unescaped = exec.replaceAll(/\\(.)/g, (_, letter: string) => ({ s: ' ', n: '\n', t: '\t', r: '\r' })[letter] ?? letter);
  const read = [...unescaped.matchAll(/"((?:[^"\\`$]|\\.)*)"/g)].map(([, word = '']) =>
    word.replaceAll(/\\(.)/g, '$1').replaceAll('%%', '%'),
  );
  expect(read).toEqual(words);
});

test.each([
  ['a desktop with a tray', 'linux', true, true, true],
  ['GNOME without one', 'linux', true, false, false],
  ['nobody could be asked', 'linux', true, null, true],
  ['X11, where an older panel may show it', 'linux', false, false, true],
  ['macOS', 'darwin', false, null, true],
] as const)('the tray: %s', (_, platform, isWayland, hasWatcher, expected) => {
  expect(showsTray({ platform, isWayland, hasWatcher })).toBe(expected);
});

describe('where the window goes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-place-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const screens = [
    { x: 0, y: 0, width: 1920, height: 1040 },
    { x: 1920, y: 0, width: 1280, height: 1024 },
  ];
  const at = (x: number, y: number, width = 1200, height = 700) => boundsFor({ bounds: { x, y, width, height } }, screens);

  test('where it was, as long as a person can get hold of it there', () => {
    expect(at(100, 50)).toEqual({ x: 100, y: 50, width: 1200, height: 700 });
    expect(at(2000, 10)).toEqual({ x: 2000, y: 10, width: 1200, height: 700 });
    expect(at(-1000, 10)).toEqual({ x: -1000, y: 10, width: 1200, height: 700 });
  });

  test.each([
    ['a screen that is gone', 4000, 10],
    ['left of all', -1150, 10],
    ['title bar above the screen', 100, -30],
    ['title bar under the edge', 100, 1030],
  ])('in the middle otherwise: %s', (_, x, y) => {
    expect(at(x, y)).toEqual({ width: 1200, height: 700 });
  });

  test('never smaller than the page needs', () => {
    expect(at(100, 50, 200, 100)).toEqual({ x: 100, y: 50, width: 1024, height: 640 });
  });

  test('is written and read; what is broken counts as nothing', () => {
    const place = { bounds: { x: 1, y: 2, width: 1100, height: 700 }, maximized: true, toldClosing: true };
    writePlace(folder, place);
    expect(readPlace(folder)).toEqual(place);
    for (const broken of ['', '{', 'null', '{"bounds":{"x":1e99,"y":0,"width":1,"height":1}}', '{"bounds":[1,2,3,4]}']) {
      writeFileSync(join(folder, 'window.json'), broken);
      expect(readPlace(folder), broken).toEqual({ bounds: null, maximized: false, toldClosing: false });
    }
    writePlace(join(folder, 'nowhere'), place);
  });
});

test('what another process reads lies beside the archive', () => {
  expect(outsideArchive('/opt/Modelium/resources/app.asar/dist/main/cli.js')).toBe(
    '/opt/Modelium/resources/app.asar.unpacked/dist/main/cli.js',
  );
  expect(outsideArchive('/opt/Modelium/resources/app.asar.unpacked/dist')).toBe('/opt/Modelium/resources/app.asar.unpacked/dist');
  expect(outsideArchive('/home/me/app.asar-notes/cli.js')).toBe('/home/me/app.asar-notes/cli.js');
});
