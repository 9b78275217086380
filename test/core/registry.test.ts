/**
 * The registry by itself: records move by the table alone, and whoever listens hears it all, in
 * order.
 */
import { describe, expect, test } from 'vitest';
import { type NewRecord, Registry, stateOf } from '../../main/core/registry.ts';
import { NOTHING_KNOWN } from '../../shared/profile.ts';
import { IllegalTransition } from '../../shared/transition.ts';

const COPY = { bytesPresent: 1, bytesExpected: 1, missing: [] };

function record(id: string): NewRecord {
  return { id, aliases: [], path: `/m/${id}`, realPath: `/m/${id}`, kind: 'file', added: false, device: 1, inode: 1, files: [] };
}

describe('what the registry tells', () => {
  test('a listener that applies an event does not let others hear it before the change that caused it', () => {
    const registry = new Registry();
    const reported: Record<'first' | 'last', string[]> = { first: [], last: [] };
    const note = (who: 'first' | 'last') => reported[who].push.bind(reported[who]);
    registry.onChange(({ id, event }) => {
      note('first')(`${id} ${event?.type ?? 'added'}`);
      if (event === null) registry.apply(id, { type: 'listed', copy: COPY });
      // Two from one listener, and one of another model.
      if (event?.type === 'listed' && id === 'a') {
        registry.apply('a', { type: 'analyzed' });
        registry.add(record('b'));
      }
    });
    registry.onChange(({ id, event }) => void note('last')(`${id} ${event?.type ?? 'added'}`));
    registry.add(record('a'));
    const order = ['a added', 'a listed', 'a analyzed', 'b added', 'b listed'];
    expect(reported).toEqual({ first: order, last: order });
  });

  test('an inner change is told before the outer call returns, with the states between which it lay', () => {
    const registry = new Registry();
    const moves: string[] = [];
    registry.onChange(({ id, event }) => {
      if (event === null) registry.apply(id, { type: 'listed', copy: COPY });
    });
    registry.onChange(({ record: now, previous }) => void moves.push(`${previous?.name ?? 'none'} -> ${now?.state.name ?? 'none'}`));
    registry.add(record('a'));
    expect(moves).toEqual(['none -> discovered', 'discovered -> settling']);
    registry.apply('a', { type: 'gone' });
    expect(moves.at(-1)).toBe('settling -> none');
  });

  test('a listener that throws costs nobody else a change', () => {
    const registry = new Registry();
    const reported: string[] = [];
    registry.onChange(({ id, event }) => {
      if (event !== null || id !== 'a') return;
      registry.apply('a', { type: 'listed', copy: COPY });
      throw new Error('a bug');
    });
    registry.onChange(({ id, event }) => void reported.push(`${id} ${event?.type ?? 'added'}`));
    expect(() => registry.add(record('a'))).toThrow('a bug');
    expect(reported).toEqual(['a added', 'a listed']);
    registry.add(record('b'));
    expect(reported.at(-1)).toBe('b added');
  });
});

describe('what the registry keeps', () => {
  test('an illegal move throws, and changes and tells nothing (I1)', () => {
    const registry = new Registry();
    registry.add(record('a'));
    const reported: unknown[] = [];
    registry.onChange((change) => void reported.push(change));
    expect(() => registry.apply('a', { type: 'analyzed' })).toThrow(IllegalTransition);
    expect(() => registry.apply('nobody', { type: 'gone' })).toThrow('no model nobody');
    expect(() => registry.add(record('a'))).toThrow('taken');
    expect([registry.get('a')?.state.name, reported]).toEqual(['discovered', []]);
  });

  test('what was learned of content ends with that content', () => {
    const registry = new Registry();
    registry.add(record('a'));
    registry.apply('a', { type: 'listed', copy: COPY });
    registry.update('a', { profile: NOTHING_KNOWN, attempts: 3 });
    registry.apply('a', { type: 'analyzed' });
    expect(registry.get('a')).toMatchObject({ profile: NOTHING_KNOWN, attempts: 3 });
    registry.apply('a', { type: 'rested', reason: 'not-asked', atMs: 0 });
    registry.apply('a', { type: 'files-changed', copy: COPY });
    expect(registry.get('a')).toMatchObject({ profile: null, attempts: 0 });
  });

  test('names follow a record: other aliases, and its end', () => {
    const registry = new Registry();
    registry.add({ ...record('a'), aliases: ['old'] });
    registry.update('a', { aliases: ['new'] });
    expect([registry.resolve('old'), registry.resolve('new')]).toEqual([null, 'a']);
    registry.apply('a', { type: 'gone' });
    expect([registry.resolve('new'), registry.get('a')]).toEqual([null, undefined]);
  });

  test('going through all of them meets each as it is when its turn comes', () => {
    const registry = new Registry();
    for (const id of ['a', 'b', 'c']) registry.add(record(id));
    const met: string[] = [];
    for (const each of registry.each()) {
      met.push(`${each.id} ${each.state.name}`);
      if (each.id !== 'a') continue;
      registry.apply('b', { type: 'gone' });
      registry.apply('c', { type: 'listed', copy: COPY });
    }
    expect(met).toEqual(['a discovered', 'c settling']);
    expect(stateOf(registry.get('c'), 'settling')).not.toBeNull();
  });
});

test('a listener that has heard enough hears no more, and the others go on', () => {
  const registry = new Registry();
  const reported: string[] = [];
  const end = registry.onChange(({ id }) => void reported.push(`first ${id}`));
  registry.onChange(({ id }) => void reported.push(`second ${id}`));
  registry.add(record('a'));
  end();
  registry.add(record('b'));
  expect(reported).toEqual(['first a', 'second a', 'second b']);
});
