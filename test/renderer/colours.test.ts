/**
 * Which model has which colour: told by what holds memory, kept for good, and nothing is changed by
 * looking.
 */
import { expect, test, vi } from 'vitest';
import type { DeviceView, Snapshot } from '../../shared/snapshot.ts';

const stored = new Map<string, string>();
vi.stubGlobal('localStorage', {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, text: string) => void stored.set(key, text),
});
const { colourOf } = await import('../../renderer/components/colours.ts');
const { useWindow } = await import('../../renderer/store.ts');

function hold(...ids: string[]): void {
  const byModel = Object.fromEntries(ids.map((id) => [id, 1]));
  useWindow.setState({ snapshot: { devices: [{ byModel } as unknown as DeviceView], models: [] } as unknown as Snapshot });
}

test('looking at a colour gives none, and costs nobody else one', () => {
  const before = colourOf('passing by');
  expect([colourOf('passing by'), stored.size]).toEqual([before, 0]);
  hold('a', 'b');
  expect([colourOf('a'), colourOf('b')]).toEqual(['--data-1', '--data-2']);
});

test('what holds memory has a colour of its own as long as there are some, for good, in this browser', () => {
  const ids = ['c', 'd', 'e', 'f', 'g', 'h'];
  hold('a', ...ids);
  const all = ['a', 'b', ...ids].map(colourOf);
  expect(new Set(all).size).toBe(8);
  hold('h');
  expect(['a', 'b', ...ids].map(colourOf)).toEqual(all);
  expect(Object.keys(JSON.parse(stored.get('modelium-colours') ?? '{}'))).toHaveLength(8);
});
