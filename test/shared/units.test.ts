/** Figures as people read them: the edges where a unit changes. */
import { expect, test } from 'vitest';
import {
  bytesInWords,
  clockSpan,
  countInWords,
  longSpan,
  millisecondsInWords,
  percent,
  phasesInWords,
  secondsInWords,
  smallBytesInWords,
} from '../../shared/units.ts';

test.each([
  [0, '0 MiB'],
  [1, '1 KiB'],
  [1024 ** 2 - 1, '1024 KiB'],
  [1024 ** 2, '1 MiB'],
  [800 * 1024 ** 2, '800 MiB'],
  [1024 ** 3, '1.0 GiB'],
  [24 * 1024 ** 3, '24.0 GiB'],
])('%d bytes: %s', (bytes, words) => {
  expect(bytesInWords(bytes)).toBe(words);
});

test('spans, counts and shares', () => {
  expect([0, 59_999, 252_000, 3_600_000, 7_500_000].map(clockSpan)).toEqual(['0:00', '0:59', '4:12', '1 h 0 min', '2 h 5 min']);
  expect([634_176, 134_515_008, 7_615_616_512, 70_553_706_496].map(countInWords)).toEqual(['634,176', '135 M', '7.6 B', '71 B']);
  expect([0.4, 9.94, 21.4].map(secondsInWords)).toEqual(['0.4 s', '9.9 s', '21 s']);
  expect([-1, 0.625, 2].map(percent)).toEqual(['0 %', '63 %', '100 %']);
});

test.each([
  [900, '1 s'],
  [119_000, '119 s'],
  [300_000, '5 min'],
  [3 * 3_600_000, '3 h'],
])('%d ms are a long span of %s', (ms, shown) => {
  expect(longSpan(ms)).toBe(shown);
});

test('what is small has a decimal while one tells more', () => {
  expect([1_536, 139_264, 3 * 1024 ** 3].map(smallBytesInWords)).toEqual(['1.5 KiB', '136 KiB', '3.0 GiB']);
  expect([12.4, 999.4, 2_400].map(millisecondsInWords)).toEqual(['12 ms', '999 ms', '2.4 s']);
});

test('phases of a load, without those that nobody notices', () => {
  expect(phasesInWords({ starting: 5.21, 'making room': 0.004, 'reading weights': 21.4 })).toBe('starting 5.2 s, reading weights 21 s');
  expect(phasesInWords({})).toBe('');
});
