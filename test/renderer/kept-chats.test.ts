/**
 * Conversations in the browser's storage: bounded, whole or not at all, and no stranger to what is
 * broken.
 */
import { beforeEach, expect, test, vi } from 'vitest';
import { dropAllChats, dropChat, keepChat, keptChats } from '../../renderer/pages/playground/kept-chats.ts';

let stored: Map<string, string>;
let mostCharacters = Number.POSITIVE_INFINITY;

beforeEach(() => {
  stored = new Map();
  mostCharacters = Number.POSITIVE_INFINITY;
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => {
      if (value.length > mostCharacters) throw new Error('QuotaExceededError');
      stored.set(key, value);
    },
    removeItem: (key: string) => stored.delete(key),
  });
});

const turn = (question: string, answer = 'yes') => ({ question, answer, reasoning: '', final: null });

test('the newest first; written to again, it moves there and stays one', () => {
  keepChat('a', 'chat', [turn('One   two\nthree')], 1);
  keepChat('b', 'chat', [turn('Four')], 2);
  keepChat('a', 'chat', [turn('One   two\nthree'), turn('Five')], 3);
  expect(keptChats().map(({ id, title, turns }) => [id, title, turns.length])).toEqual([
    ['a', 'One two three', 2],
    ['b', 'Four', 1],
  ]);
  dropChat('a');
  expect(keptChats().map(({ id }) => id)).toEqual(['b']);
  dropAllChats();
  expect(keptChats()).toEqual([]);
  keepChat('c', 'chat', [], 4);
  expect(keptChats()).toEqual([]);
});

test('no more than are kept, by number, by size, and by what the browser takes', () => {
  for (let index = 0; index < 130; index += 1) keepChat(`n${index}`, 'chat', [turn('x')], index);
  expect([keptChats().length, keptChats()[0]?.id]).toEqual([100, 'n129']);
  for (let index = 0; index < 4; index += 1) keepChat(`large${index}`, 'chat', [turn('x', 'y'.repeat(900_000))], 200 + index);
  expect(
    keptChats()
      .map(({ id }) => id)
      .slice(0, 2),
  ).toEqual(['large3', 'large2']);
  expect(stored.get('modelium-chats')?.length).toBeLessThan(2_100_000);
  mostCharacters = 1_000_000;
  keepChat('last', 'chat', [turn('x')], 300);
  expect(keptChats()[0]?.id).toBe('last');
});

test('images stay with the newest questions, and of the others it is told that they went', () => {
  const image = `data:image/png;base64,${'A'.repeat(900_000)}`;
  for (let index = 0; index < 3; index += 1) keepChat(`n${index}`, 'chat', [{ ...turn('x'), images: [image] }], index);
  const kept = () => keptChats().map(({ id, turns }) => [id, turns.map(({ images = [], lostImages = 0 }) => [images.length, lostImages])]);
  expect(kept()).toEqual([
    ['n2', [[1, 0]]],
    ['n1', [[1, 0]]],
    ['n0', [[0, 1]]],
  ]);
  // In one conversation too, and words are not lost for images.
  keepChat(
    'long',
    'chat',
    [1, 2, 3].map(() => ({ ...turn('y'), images: [image] })),
    5,
  );
  expect(kept()[0]).toEqual([
    'long',
    [
      [0, 1],
      [1, 0],
      [1, 0],
    ],
  ]);
  expect(kept().slice(1)).toEqual(['n2', 'n1', 'n0'].map((id) => [id, [[0, 1]]]));
  // What the browser does not take goes in the same order.
  mostCharacters = 100_000;
  keepChat('last', 'chat', [{ ...turn('z'), images: [image] }], 6);
  expect(kept().map(([id]) => id)).toEqual(['last', 'long', 'n2', 'n1', 'n0']);
  expect(kept()[0]).toEqual(['last', [[0, 1]]]);
});

test.each([
  '{',
  '7',
  'null',
  '[{"id":1}]',
  '[{"id":"a","modelId":"m","title":"t","turns":[null]}]',
  '[{"id":"a","modelId":"m","title":"t","turns":[{"question":"q","answer":"a","images":["https://example.org/spy.png"]}]}]',
])('%s is as if nothing were there', (text) => {
  stored.set('modelium-chats', text);
  expect(keptChats()).toEqual([]);
});
