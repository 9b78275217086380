/**
 * The event stream's memory: what counts as news, how a reader resumes, and that a model which only
 * idles costs nothing.
 */
import { describe, expect, test } from 'vitest';
import { Changes } from '../../main/core/tell/changes.ts';
import type { EngineEvent, ModelView, Snapshot } from '../../shared/snapshot.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';
import { modelView } from '../http/harness.ts';

const BASE: Snapshot = {
  version: '0',
  address: 'http://127.0.0.1:1',
  startedAt: '',
  settingsFile: null,
  settingsProblem: null,
  devices: [],
  models: [],
  runtimes: [],
  watchFolders: [],
  lastDecisionId: 0,
  tokensPerSecond: 0,
};

function setUp() {
  const clock = createVirtualClock();
  const world: { models: readonly ModelView[]; idleSinceMs: number; lastDecisionId: number } = {
    models: [],
    idleSinceMs: 0,
    lastDecisionId: 0,
  };
  const changes = new Changes(clock, () => ({
    ...BASE,
    lastDecisionId: world.lastDecisionId,
    models: world.models.map((model) => {
      const idleMs = model.idleMs === null ? null : clock.now() - world.idleSinceMs;
      return { ...model, idleMs, idleLeftMs: idleMs === null ? null : 300_000 - idleMs };
    }),
  }));
  const events: EngineEvent[] = [];
  const look = async (ms: number): Promise<readonly EngineEvent[]> => {
    const before = events.length;
    changes.touch();
    await clock.advance(ms);
    return events.slice(before);
  };
  return {
    clock,
    world,
    changes,
    events,
    look,
    listen: (afterId: number | null) => changes.subscribe(afterId, (event) => events.push(event)),
  };
}

const idle = (id: string): ModelView => modelView(id, { state: 'ready', idleMs: 0 });

describe('changes', () => {
  test('a model that only idles on is no news; one that was used is', async () => {
    const { world, look, listen, clock } = setUp();
    world.models = [idle('a'), idle('b')];
    listen(null);
    for (let second = 0; second < 30; second += 1) expect(await look(1_000)).toEqual([]);
    world.idleSinceMs = clock.now();
    const [event] = await look(1_000);
    expect(event).toMatchObject({ type: 'change', changed: { models: [{ id: 'a' }, { id: 'b' }] } });
    expect(await look(1_000)).toEqual([]);
  });

  test('the time at which idleness ends is news when it moves, as after a change of the settings', async () => {
    const { world, changes, look, listen } = setUp();
    world.models = [idle('a')];
    listen(null);
    expect(await look(1_000)).toEqual([]);
    world.models = [modelView('a', { state: 'ready', idleMs: null })];
    expect(await look(1_000)).toHaveLength(1);
    changes.close();
  });

  test('only what differs is told, and what went', async () => {
    const { world, look, listen } = setUp();
    world.models = [modelView('a', { idleMs: null }), modelView('b', { idleMs: null })];
    listen(null);
    world.models = [modelView('a', { idleMs: null, inFlight: 1 })];
    world.lastDecisionId = 7;
    const [event] = await look(300);
    expect(event).toMatchObject({ changed: { lastDecisionId: 7, models: [{ id: 'a', inFlight: 1 }] }, removedModels: ['b'] });
    expect(Object.keys((event as Extract<EngineEvent, { type: 'change' }>).changed).sort()).toEqual(['lastDecisionId', 'models']);
  });

  test('who comes back gets what it missed, each with its age, and nothing twice', async () => {
    const { world, look, listen, events, clock } = setUp();
    const stop = listen(null);
    listen(null);
    for (const lastDecisionId of [1, 2, 3]) {
      world.lastDecisionId = lastDecisionId;
      await look(1_000);
    }
    const first = events.find((event) => event.type === 'change' && event.changed.lastDecisionId === 1);
    stop();
    await clock.advance(5_000);
    events.length = 0;
    listen(first?.id ?? null);
    expect(events.map((event) => [event.type === 'change' && event.changed.lastDecisionId, event.ageMs])).toEqual([
      [2, 7_000],
      [3, 6_000],
    ]);
  });

  test('numbers of another engine, and those of long ago, get a snapshot', async () => {
    const { listen, events, look, world } = setUp();
    listen(null);
    for (let id = 1; id <= 600; id += 1) {
      world.lastDecisionId = id;
      await look(300);
    }
    events.length = 0;
    listen(12);
    listen(Number.MAX_SAFE_INTEGER);
    expect(events.map(({ type }) => type)).toEqual(['snapshot', 'snapshot']);
  });
});
