/** The shell's pure parts: what it was called with, and where the window goes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readFlags } from '../../main/electron/flags.ts';
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
    expect(readFlags(given, packaged, '/here')).toEqual(flags);
  });
});

describe('where the window goes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-place-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const screens = [
    { x: 0, y: 0, width: 1920, height: 1040 },
    { x: 1920, y: 0, width: 1280, height: 1024 },
  ];
  const at = (x: number, y: number, width = 1200, height = 700) =>
    boundsFor({ bounds: { x, y, width, height }, maximized: false }, screens);

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
    const place = { bounds: { x: 1, y: 2, width: 1100, height: 700 }, maximized: true };
    writePlace(folder, place);
    expect(readPlace(folder)).toEqual(place);
    for (const broken of ['', '{', 'null', '{"bounds":{"x":1e99,"y":0,"width":1,"height":1}}', '{"bounds":[1,2,3,4]}']) {
      writeFileSync(join(folder, 'window.json'), broken);
      expect(readPlace(folder), broken).toEqual({ bounds: null, maximized: false });
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
