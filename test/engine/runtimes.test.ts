/**
 * Runtimes that the settings name come and go with them, and stay for the models that they still
 * have.
 */
import { expect, test } from 'vitest';
import { Runtimes } from '../../main/engine/runtimes.ts';
import { RUNTIMES } from '../../main/runtime/adapters.ts';
import type { RuntimeModule } from '../../main/runtime/module.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../shared/settings.ts';
import { searcher, searchWorld } from '../helpers/searching.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const [FIRST] = RUNTIMES;
const unused = (): never => {
  throw new Error('nobody asks for it');
};

/** A runtime under a name of somebody's choice. */
function named(id: string): RuntimeModule<string> {
  return {
    ...{ id, name: id, unit: 'process', notFound: 'nothing', preference: () => null, words: { metrics: null } },
    isEnabled: () => true,
    *find(_world, before) {
      yield { do: 'stats', paths: [] };
      return before === 'nothing' ? `${id} itself` : before;
    },
    adapter: (world, found) => ({
      ...FIRST!.adapter(world, FIRST!.notFound),
      ...{ id, found: { found: true, version: null, message: `${found}.`, gpu: { usable: false, why: '' } } },
    }),
    check: unused,
  };
}

test('a runtime that the settings name is found, and when they no longer name it, it ends what it still has', async () => {
  let settings: Settings = DEFAULT_SETTINGS;
  const runtimes = new Runtimes(
    {
      ...{
        clock: createVirtualClock(),
        searcher,
        settings: () => settings,
        everyMs: () => 1_000,
        onOther: unused,
        seen: () => ({ problem: null, nodes: [] }),
        foreign: () => {},
      },
      log: { say: unused, warn: unused, error: unused, debug: unused },
      world: () => searchWorld({ settings }),
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
