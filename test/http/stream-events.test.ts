import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StreamEvents } from '../../main/http/stream-events.ts';

const text = (content: string) => `data: {"id":"a","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}`;
const USAGE = 'data: {"id":"a","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}';
const COUNTED = { promptTokens: 7, completionTokens: 3 };

/** What comes out of a stream that arrives in these pieces. */
function through(pieces: readonly Buffer[], keepsUsage: boolean): { out: string; usage: unknown } {
  const out: Buffer[] = [];
  const events = new StreamEvents(keepsUsage, (bytes) => out.push(bytes));
  for (const piece of pieces) events.push(piece);
  const usage = events.end();
  return { out: Buffer.concat(out).toString(), usage };
}

function cut(whole: string, places: readonly number[]): readonly Buffer[] {
  const bytes = Buffer.from(whole);
  const at = [...new Set([0, ...places.map((place) => place % bytes.length), bytes.length])].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

describe.each([
  ['\\n\\n', '\n\n'],
  ['\\r\\n\\r\\n', '\r\n\r\n'],
])('a stream whose events end with %s', (_name, blank) => {
  // A text that only looks like a usage, one of several bytes a character, and a usage beside a
  // choice.
  const before = [text('"usage": {"prompt_tokens":1}'), text('wörld 🎈'), text('x').replace('}]}', '}],"usage":null}')];
  const whole = [...before, USAGE, 'data: [DONE]'].map((each) => each + blank).join('');
  const without = [...before, 'data: [DONE]'].map((each) => each + blank).join('');

  test('is the same without the event of the usage, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 12 }), (places) => {
        expect(through(cut(whole, places), true)).toEqual({ out: without, usage: COUNTED });
      }),
    );
  });

  test('is untouched where the client asked for the usage', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 12 }), (places) => {
        expect(through(cut(whole, places), false)).toEqual({ out: whole, usage: COUNTED });
      }),
    );
  });

  test('lets each event out when it is whole, and no half of one', () => {
    const out: string[] = [];
    const events = new StreamEvents(true, (bytes) => out.push(bytes.toString()));
    for (const byte of Buffer.from(whole)) events.push(Buffer.from([byte]));
    expect(out).toEqual([...before, 'data: [DONE]'].map((each) => each + blank));
  });
});

test('a stream that ends without a blank line loses nothing, and one without any end is passed on', () => {
  expect(through([Buffer.from('data: {"a":1}\n\ndata: half')], true).out).toBe('data: {"a":1}\n\ndata: half');
  const endless = Buffer.alloc(5 * 1024 * 1024, 'x');
  const out: number[] = [];
  const events = new StreamEvents(true, (bytes) => out.push(bytes.length));
  events.push(endless);
  expect(out).toEqual([endless.length]);
});

test('usage that comes beside choices is counted and seen', () => {
  const beside = `${text('a').slice(0, -1)},"usage":{"prompt_tokens":2,"completion_tokens":1}}\n\n`;
  expect(through([Buffer.from(beside)], true)).toEqual({ out: beside, usage: { promptTokens: 2, completionTokens: 1 } });
});
