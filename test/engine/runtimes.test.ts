/**
 * Runtimes that the settings name come and go with them, and stay for the models that they still
 * have.
 */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { Runtimes } from '../../main/engine/runtimes.ts';
import { homeFolder } from '../../main/io/folders.ts';
import { RUNTIMES } from '../../main/runtime/adapters.ts';
import type { RuntimeModule } from '../../main/runtime/module.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../shared/settings.ts';
import { searcher, searchMachine } from '../helpers/searching.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const [FIRST] = RUNTIMES;
const unused = (): never => {
  throw new Error('nobody asks for it');
};

/** A runtime under a name of somebody's choice. */
function named(id: string): RuntimeModule<string> {
  return {
    id,
    name: id,
    unit: 'process',
    notFound: 'nothing',
    preference: () => null,
    words: { metrics: null },
    isEnabled: () => true,
    *find(_world, before) {
      yield { do: 'stats', paths: [] };
      return before === 'nothing' ? `${id} itself` : before;
    },
    adapter: (world, found) => ({
      ...FIRST!.adapter(world, FIRST!.notFound),
      id,
      found: { found: true, version: null, message: `${found}.`, gpu: { usable: false, why: '' } },
    }),
    check: unused,
  };
}

test('a runtime that the settings name is found, and when they no longer name it, it ends what it still has', async () => {
  let settings: Settings = DEFAULT_SETTINGS;
  const runtimes = new Runtimes(
    {
      clock: createVirtualClock(),
      searcher,
      settings: () => settings,
      everyMs: () => 1_000,
      onOther: unused,
      seen: () => ({ problem: null, nodes: [], state: 'absent' }),
      foreign: () => {},
      log: { say: unused, warn: unused, error: unused, debug: unused },
      machine: () => searchMachine({ settings }),
    },
    (now) => now.orchestration.policies.always_loaded.map(named),
  );
  const say = async (...names: readonly string[]): Promise<void> => {
    const { orchestration } = DEFAULT_SETTINGS;
    settings = {
      ...DEFAULT_SETTINGS,
      orchestration: { ...orchestration, policies: { ...orchestration.policies, always_loaded: [...names] } },
    };
    await runtimes.find();
    runtimes.apply();
  };
  expect(runtimes.views()).toEqual([]);
  await say('mine', 'other');
  expect(runtimes.views().map(({ id, message }) => `${id}: ${message}`)).toEqual(['mine: mine itself.', 'other: other itself.']);
  expect(await runtimes.find()).toEqual([]);
  await say('other');
  expect(runtimes.views().map(({ id }) => id)).toEqual(['other']);
  expect(runtimes.adapter('mine').id).toBe('mine');
  expect(() => runtimes.adapter('never-named')).toThrow('no runtime never-named');
});

test('an empty or relative HOME is none: the folder of the moment is nobody’s home', () => {
  for (const home of ['', '.', 'home/me'])
    expect(
      homeFolder(
        () => home,
        () => '/home/me',
      ),
    ).toBe('/home/me');
  expect(
    homeFolder(
      () => '/set',
      () => '/home/me',
    ),
  ).toBe('/set');
});

// Only root may become such a user: elsewhere the first two lines are what is left of it.
test('a user of whom the system knows a number alone, as in a container, is enough', () => {
  const unknown = (): never => {
    throw new Error('uv_os_homedir returned ENOENT');
  };
  expect(() => homeFolder(unknown)).toThrow(ModeliumError);
  expect(() => homeFolder(unknown)).toThrow(/has no home folder on this machine: set HOME/);
  if (process.getuid?.() !== 0) return;
  const module = JSON.stringify(new URL('../../main/engine/runtimes.ts', import.meta.url).href);
  const script = `const { machineFacts } = await import(${module});
    const { home, user } = machineFacts({ settings: {}, file: null }, {});
    console.log(JSON.stringify({ home, user }));`;
  const becomes = ['--reuid=54321', '--regid=54322', '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  const { stdout, stderr } = spawnSync('setpriv', [...becomes, process.execPath, '--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: { HOME: '/' },
  });
  expect(stdout, stderr).toBe('{"home":"/","user":{"uid":54321,"gid":54322}}\n');
});
