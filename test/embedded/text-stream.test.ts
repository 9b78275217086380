/** Tokens to text: whole characters only, stop strings over any number of pieces. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IncrementalText, StopWatch } from '../../main/embedded/llama/text-stream.ts';

/** One token a byte: the hardest tokenizer there is. */
const bytesToText = (tokens: readonly number[]) => Buffer.from(tokens).toString('utf8');

describe('IncrementalText', () => {
  test('never cuts a character, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (source) => {
        const text = new IncrementalText(bytesToText, []);
        const pieces = [...Buffer.from(source)].map((token) => text.push(token));
        const whole = Buffer.from(source).toString('utf8');
        expect(pieces.join('') + text.end()).toBe(whole);
        if (!whole.includes('\uFFFD')) expect(pieces.every((piece) => !piece.includes('\uFFFD'))).toBe(true);
      }),
    );
  });

  test('hands out whole characters in front of an unfinished one', () => {
    const tokens: Record<number, number[]> = { 1: [...Buffer.from('ab'), 0xf0], 2: [0x9f, 0x99], 3: [0x82, ...Buffer.from('!')] };
    const text = new IncrementalText((some) => bytesToText(some.flatMap((token) => tokens[token] ?? [])), []);
    expect([text.push(1), text.push(2), text.push(3), text.end()]).toEqual(['ab', '', '🙂!', '']);
  });

  test('bytes that are no character do not hold the text up for ever, and half a character at the end is dropped', () => {
    const broken = new IncrementalText(bytesToText, []);
    const pieces = [0x80, 0x80, 0x80, 0x80, 0x41].map((token) => broken.push(token));
    expect(pieces.join('')).toBe('\uFFFD\uFFFD\uFFFD\uFFFDA');
    const cut = new IncrementalText(bytesToText, []);
    expect([0x41, 0xf0, 0x9f].map((token) => cut.push(token)).join('') + cut.end()).toBe('A');
  });

  test('knows the tokens in front, which decide about a leading space', () => {
    const detokenize = (tokens: readonly number[], before: readonly number[]) => (before.length === 0 ? '' : ' ') + tokens.join(' ');
    const text = new IncrementalText(detokenize, [7, 8, 9, 10]);
    expect(text.push(1) + text.push(2)).toBe(' 1 2');
  });
});

describe('StopWatch', () => {
  test('gives the same text however it is cut into pieces', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c') });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(letters), stops, (pieces, stopStrings) => {
        const watch = new StopWatch(stopStrings);
        let sent = '';
        let stopped = false;
        for (const piece of pieces) {
          const next = watch.push(piece);
          sent += next.text;
          stopped = next.stopped;
          // Nothing of a stop string ever goes out.
          for (const stop of stopStrings) expect(sent.includes(stop)).toBe(false);
          if (stopped) break;
        }
        if (!stopped) sent += watch.end();
        const whole = pieces.join('');
        const ends = stopStrings.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
        expect(stopped).toBe(ends.length > 0);
        if (ends.length === 0) expect(sent).toBe(whole);
        else expect(whole.startsWith(sent)).toBe(true);
      }),
    );
  });

  test('holds back only what may still become a stop string', () => {
    const watch = new StopWatch(['\n\nUser:']);
    expect(watch.push('Hello\n').text).toBe('Hello');
    expect(watch.push('world\n\nUs').text).toBe('\nworld');
    expect(watch.push('er: x')).toEqual({ text: '', stopped: true });
  });

  test('an answer that looks like the beginning of long stop strings takes no more time at its end than at its beginning', () => {
    const half = 'a'.repeat(10_000);
    const watch = new StopWatch([...Array.from({ length: 63 }, (_, at) => `${half}b${half}${at}`), `${half}${half}b`]);
    const started = performance.now();
    for (let token = 0; token < 20_000; token++) expect(watch.push('a')).toEqual({ text: '', stopped: false });
    expect(watch.push('b')).toEqual({ text: '', stopped: true });
    // Comparing all beginnings anew at each token takes hours.
    expect(performance.now() - started).toBeLessThan(20_000);
  }, 120_000);
});
