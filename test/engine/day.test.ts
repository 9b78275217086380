import { expect, test } from 'vitest';
import { openDay } from '../../main/engine/follow.ts';

test('a table of samples that cannot be read costs the chart of the day, and not the start', () => {
  const warned: string[] = [];
  const log = { say: () => {}, warn: (line: string) => void warned.push(line), error: () => {}, debug: () => {} };
  const past = () => {
    throw new Error('modelium.db cannot be used: it is damaged');
  };
  const day = openDay({ past, keep: () => {} }, log);
  expect(JSON.stringify(day.read(1_000_000))).toBeDefined();
  expect(warned).toEqual(['What the devices held before is not known: modelium.db cannot be used: it is damaged']);
});
