import { describe, expect, it } from 'vitest';
import { chooseVictims, evictableModels, idleDue, type Resident, reloadCost, sleepDue } from '../../main/core/memory/evictor.ts';
import { DEFAULT_SETTINGS, type Policies } from '../../shared/settings.ts';
import { GIB } from '../../shared/units.ts';
import { NOW_MS, resident } from './brain-fixtures.ts';

const POLICIES = DEFAULT_SETTINGS.orchestration.policies;
const idle = (idleMs: number, change: Partial<Resident> = {}) => resident('a', { g: 1 }, { lastUsedMs: NOW_MS - idleMs, ...change });

describe('idleDue', () => {
  it.each<[string, Resident, Partial<Policies>, boolean]>([
    ['after the policy', idle(300_000), {}, true],
    ['not before', idle(299_999), {}, false],
    ['a model of its own mind', idle(60_000, { idleAfterSeconds: 60 }), {}, true],
    ['keep-alive beats both', idle(400_000, { idleAfterSeconds: 60, keepAliveSeconds: 500 }), {}, false],
    ['keep-alive 0: as soon as nothing is in flight', idle(0, { keepAliveSeconds: 0 }), {}, true],
    ['keep-alive below zero: for ever', idle(9e6, { keepAliveSeconds: -1 }), {}, false],
    ['never pinned', idle(9e6, { pinned: true }), {}, false],
    ['never always loaded', idle(9e6, { alwaysLoaded: true }), {}, false],
    ['never in flight', idle(9e6, { inFlight: 1, keepAliveSeconds: 0 }), {}, false],
    ['never loading', idle(9e6, { state: 'loading' }), {}, false],
    ['asleep, by its last use, not by when it fell asleep', idle(300_000, { state: 'asleep', sinceMs: NOW_MS - 10 }), {}, true],
    ['idle counts from ready', idle(9e6, { sinceMs: NOW_MS - 1_000 }), {}, false],
    ['never asked: from ready', resident('a', {}, { lastUsedMs: null, sinceMs: NOW_MS - 300_000 }), {}, true],
    ['auto without a gap: five minutes', idle(299_999), { evict_after_idle_seconds: 'auto' }, false],
    ['auto: four gaps', idle(800_000, { gapMs: 200_000 }), { evict_after_idle_seconds: 'auto' }, true],
    ['auto: a slow loader stays longer', idle(800_000, { gapMs: 200_000, loadSeconds: 60 }), { evict_after_idle_seconds: 'auto' }, false],
    ['auto: at most an hour', idle(3_600_000, { gapMs: 9e6 }), { evict_after_idle_seconds: 'auto' }, true],
    ['auto: at least a minute', idle(59_999, { gapMs: 1_000, loadSeconds: 0.1 }), { evict_after_idle_seconds: 'auto' }, false],
  ])('%s', (_name, model, change, due) => {
    const policies = { ...POLICIES, ...change };
    expect(idleDue([model], policies, NOW_MS).length > 0).toBe(due);
  });
});

describe('sleepDue', () => {
  it.each<[string, Resident, Partial<Policies>, boolean]>([
    ['after the policy', idle(60_000), { sleep_after_idle_seconds: 60 }, true],
    ['not before', idle(59_999), { sleep_after_idle_seconds: 60 }, false],
    ['never without the policy', idle(9e6), { evict_after_idle_seconds: 9e6 }, false],
    ['not what is to be unloaded by then', idle(300_000), { sleep_after_idle_seconds: 60 }, false],
    ['not one that sleeps', idle(60_000, { state: 'asleep' }), { sleep_after_idle_seconds: 60 }, false],
    ['not in flight', idle(60_000, { inFlight: 1 }), { sleep_after_idle_seconds: 60 }, false],
    ['not pinned', idle(60_000, { pinned: true }), { sleep_after_idle_seconds: 60 }, false],
    ['not always loaded', idle(60_000, { alwaysLoaded: true }), { sleep_after_idle_seconds: 60 }, false],
  ])('%s', (_name, model, change, due) => {
    expect(sleepDue([model], { ...POLICIES, ...change }, NOW_MS).length > 0).toBe(due);
  });
});

describe('victims', () => {
  const rules = { minResidencyMs: 10_000, busyToo: false, nowMs: NOW_MS };

  it('cost more the faster they come back and the slower they load', () => {
    expect(reloadCost(idle(60_000), NOW_MS)).toBeGreaterThan(reloadCost(idle(600_000), NOW_MS));
    expect(reloadCost(idle(60_000, { loadSeconds: 60 }), NOW_MS)).toBeGreaterThan(reloadCost(idle(60_000), NOW_MS));
    expect(reloadCost(idle(600_000, { alwaysLoaded: true }), NOW_MS)).toBe(reloadCost(idle(0), NOW_MS));
  });

  it('are busy only where no idle ones suffice, and only after a long wait', () => {
    const busy = resident('busy', { g: 9 }, { inFlight: 1, loadSeconds: 0.1 });
    const dear = resident('dear', { g: 9 }, { loadSeconds: 600 });
    const all = [busy, dear];
    expect(chooseVictims(evictableModels(all, rules), { g: 5 * GIB })?.modelIds).toEqual(['dear']);
    expect(chooseVictims(evictableModels(all, { ...rules, busyToo: true }), { g: 5 * GIB })?.modelIds).toEqual(['dear']);
    expect(chooseVictims(evictableModels(all, rules), { g: 15 * GIB })).toBeNull();
    expect(chooseVictims(evictableModels(all, { ...rules, busyToo: true }), { g: 15 * GIB })?.modelIds).toHaveLength(2);
  });

  it.each<[string, Partial<Resident>, boolean]>([
    ['ready', {}, true],
    ['asleep', { state: 'asleep' }, true],
    ['loading', { state: 'loading' }, false],
    ['draining', { state: 'draining' }, false],
    ['pinned', { pinned: true }, false],
    ['young', { sinceMs: NOW_MS - 9_999 }, false],
    ['old enough', { sinceMs: NOW_MS - 10_000 }, true],
  ])('%s', (_name, change, may) => {
    expect(evictableModels([idle(0, change)], { ...rules, busyToo: true }).idle.on('g').length > 0).toBe(may);
  });
});
