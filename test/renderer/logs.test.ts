/** What the Logs page makes of lines, before anything is drawn. */
import { describe, expect, it } from 'vitest';
import { plain, spansOf } from '../../renderer/components/ansi.ts';
import { append, EMPTY_BUFFER, type Filtered, filtered } from '../../renderer/pages/logs/log-buffer.ts';
import { type LogFilter, readFilter } from '../../renderer/pages/logs/log-filter.ts';
import { type LogLine, lineText, logLine } from '../../renderer/pages/logs/log-line.ts';
import { cutByRanges } from '../../renderer/pages/logs/marks.ts';
import { redacted } from '../../shared/redact.ts';

const ESC = '\u001b';

describe('a line of a log', () => {
  it('keeps bold, dim and the sixteen colours, and drops every other escape', () => {
    const raw = `${ESC}[1;31mbad${ESC}[0m ${ESC}]0;title\u0007${ESC}[2mfaint${ESC}[22;94mblue${ESC}[38;2;1;2;3m plain${ESC}[38;5;2mgreen${ESC}[39m${ESC}[2K${ESC}(B end\r`;
    expect(plain(raw)).toBe('bad faintblue plaingreen end');
    expect(spansOf(raw).map(({ text, colour, bold, dim }) => [text, colour, bold, dim])).toEqual([
      ['bad', 1, true, false],
      [' ', null, false, false],
      ['faint', null, false, true],
      ['blue', 12, false, false],
      [' plain', null, false, false],
      ['green', 2, false, false],
      [' end', null, false, false],
    ]);
  });

  it('says the same words whole, in spans and after marks', () => {
    const raw = `a${ESC}[31mbc${ESC}[1mde${ESC}[0mf${ESC}`;
    const cut = cutByRanges(spansOf(raw), [
      [1, 2],
      [3, 6],
    ]);
    expect(cut.map(({ text, marked }) => (marked ? `<${text}>` : text)).join('')).toBe('a<b>c<de><f>');
    expect(
      spansOf(raw)
        .map(({ text }) => text)
        .join(''),
    ).toBe(plain(raw));
  });

  it('has the time that begins it apart, with and without colours', () => {
    const line = logLine(7, `2026-11-25T01:02:03.004Z ${ESC}[33mWarning: no room${ESC}[0m`, null);
    expect(line).toMatchObject({ number: 7, at: '2026-11-25T01:02:03.004Z', text: 'Warning: no room', tone: 'warn' });
    expect(plain(line.raw)).toBe(line.text);
    expect(lineText(line)).toBe('2026-11-25T01:02:03.004Z Warning: no room');
  });

  it.each([
    ['Error: the port is taken', 'bad'],
    ['(EngineCore pid=7) ERROR 11-24 10:00:00 [core.py:3] failed', 'bad'],
    ['E1125 10:00:00.000000 1 server.cc:3] no model', 'bad'],
    ['0.01.002.003 E llama_model_load: gone', 'bad'],
    ['torch.OutOfMemoryError: CUDA', 'bad'],
    ['Traceback (most recent call last):', 'bad'],
    ['[warning] slow disk', 'warn'],
    ['W1125 10:00:00.000000 1 server.cc:3] slow', 'warn'],
    ['Debug: looked', 'faint'],
    ['loaded with 0 errors and no warning', null],
    ['tiny is ready', null],
  ])('%s is %s', (text, tone) => {
    expect(logLine(0, text, null).tone).toBe(tone);
  });
});

describe('secrets in a log', () => {
  it.each([
    ['authorization: Bearer abcdef.123-456', 'abcdef.123-456'],
    ['llama-server --api-key S3cretKey --port 1', 'S3cretKey'],
    ['llama-server --api-key=S3cretKey', 'S3cretKey'],
    ["non-default args: {'api_key': ['S3cretKey'], 'port': 1}", 'S3cretKey'],
    ["['vllm', 'serve', '--api-key', 'S3cretKey']", 'S3cretKey'],
    ['LLAMA_API_KEY=S3cretKey', 'S3cretKey'],
    ['Open http://127.0.0.1:8000/#token=S3cretKey', 'S3cretKey'],
    ['HF_TOKEN=S3cretKey HOME=/root', 'S3cretKey'],
    ['at https://me:S3cretKey@host/x', 'S3cretKey'],
    ['login hf_abcdefghijklmnopqrstuv', 'hf_abcdefghijklmnopqrstuv'],
    ['anything at all: my-control-token', 'my-control-token'],
  ])('%s', (line, secret) => {
    const clean = redacted(line, 'my-control-token');
    expect(clean).not.toContain(secret);
    expect(clean).toContain('[redacted]');
    expect(redacted(clean, null)).toBe(clean);
  });

  it('cannot be hidden by colours in their middle', () => {
    const line = logLine(0, `--api-key ${ESC}[1mS3cret${ESC}[0mKey`, null);
    expect([line.text, line.raw]).toEqual(['--api-key [redacted]', '--api-key [redacted]']);
  });

  it('are told from ordinary words', () => {
    const line = 'tokenizer.ggml.tokens: 49152 tokens, 12.3 tokens per second, n_tokens = 12, the API key is missing';
    expect(redacted(line, null)).toBe(line);
  });
});

describe('the filter', () => {
  it('takes plain text as it is, in any case', () => {
    const filter = readFilter('a.b (C)');
    expect(filter?.matches('x A.B (c) y')).toBe(true);
    expect(filter?.matches('aXb (c)')).toBe(false);
    expect(filter?.ranges('a.b (c) a.b (c)')).toEqual([
      [0, 7],
      [8, 15],
    ]);
  });

  it('takes an expression between slashes, and says why one is none', () => {
    expect(readFilter('error|GPU 1')?.ranges('gpu 12 has an Error')).toEqual([
      [0, 5],
      [14, 19],
    ]);
    expect(readFilter('a||b|')?.ranges('|ab')).toEqual([
      [1, 2],
      [2, 3],
    ]);
    expect(readFilter('|')?.ranges('a|b')).toEqual([[1, 2]]);
    expect(readFilter('(')?.matches('f(x)')).toBe(true);
    expect(readFilter('  ')).toBeNull();
  });
});

describe('the buffer of lines', () => {
  const lines = (from: number, to: number): LogLine[] =>
    Array.from({ length: to - from }, (_, index) => logLine(from + index, `line ${from + index}`, null));

  it('keeps the newest and counts what had to go', () => {
    const buffer = append(append(EMPTY_BUFFER, lines(0, 8), 10), lines(8, 13), 10);
    expect([buffer.lines[0]?.number, buffer.lines.at(-1)?.number, buffer.lines.length, buffer.dropped]).toEqual([3, 12, 10, 3]);
    const flooded = append(buffer, lines(13, 43), 10);
    expect([flooded.lines[0]?.number, flooded.lines.length, flooded.dropped]).toEqual([33, 10, 33]);
  });

  it('is filtered a line once, however often lines come and go', () => {
    let looks = 0;
    const filter: LogFilter = {
      matches: (text) => {
        looks += 1;
        return text.endsWith('0');
      },
      ranges: () => [],
    };
    let buffer = EMPTY_BUFFER;
    let found: Filtered | null = null;
    for (let from = 0; from < 100; from += 5) {
      buffer = append(buffer, lines(from, from + 5), 30);
      found = filtered(found, buffer, filter);
    }
    expect(found?.lines.map(({ number }) => number)).toEqual([70, 80, 90]);
    expect(looks).toBe(100);
  });

  it('is filtered anew when it begins anew, or when the filter is another', () => {
    const filter = readFilter('line');
    const first = filtered(null, append(EMPTY_BUFFER, lines(0, 3)), filter);
    const again = filtered(first, append(EMPTY_BUFFER, lines(3, 5)), filter);
    expect(again.lines.map(({ number }) => number)).toEqual([3, 4]);
    expect(filtered(again, append(EMPTY_BUFFER, lines(3, 5)), readFilter('4')).lines).toHaveLength(1);
    expect(filtered(again, EMPTY_BUFFER, null).lines).toEqual([]);
  });

  it('a level lets through what is as grave or graver', () => {
    const said = ['ERROR one', 'WARNING two', 'three', 'ERROR four'].map((text, number) => logLine(number, text, null));
    const texts = (typed: string, level: 'all' | 'warn' | 'bad') =>
      filtered(null, append(EMPTY_BUFFER, said), readFilter(typed, level)).lines.map(({ text }) => text);
    expect(texts('', 'warn')).toEqual(['ERROR one', 'WARNING two', 'ERROR four']);
    expect(texts('', 'bad')).toEqual(['ERROR one', 'ERROR four']);
    expect(texts('four', 'bad')).toEqual(['ERROR four']);
    expect(texts('', 'all')).toHaveLength(4);
  });
});
