import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ChangeRefused, type DataChange } from '../../main/io/settings/yaml-change.ts';
import { readYaml } from '../../main/io/settings/yaml-document.ts';
import { editYaml } from '../../main/io/settings/yaml-edit.ts';

function set(path: string, value: unknown): DataChange {
  return { path: path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step)), value };
}

const COMMENTED = `# my box
api: # who may ask
  host: 127.0.0.1   # only me
  # the office wants 8080
  port: 8080


metrics: {port: 9, enabled: true} # Prometheus
models:
  llama-3.1:
    pin: true
# end
`;

describe('only what was meant changes', () => {
  test.each<[string, string, readonly DataChange[], string]>([
    ['a value, its inline comment stays', COMMENTED, [set('api.host', '::1')], COMMENTED.replace('127.0.0.1 ', '"::1" ')],
    ['a value in braces', COMMENTED, [set('metrics.port', 9090)], COMMENTED.replace('port: 9,', 'port: 9090,')],
    ['a new key behind the last one', COMMENTED, [set('api.max_body_mb', 1)], COMMENTED.replace('8080\n\n', '8080\n  max_body_mb: 1\n\n')],
    ['a new key in braces', COMMENTED, [set('metrics.x', 'z')], COMMENTED.replace('true}', 'true, x: z}')],
    ['a new section', COMMENTED, [set('gpus.use', 'none')], COMMENTED.replace('pin: true\n', 'pin: true\ngpus:\n  use: none\n')],
    [
      'a new model, with two keys',
      COMMENTED,
      [set('models.qwen', { pin: true, context: 4096 })],
      COMMENTED.replace('pin: true\n', 'pin: true\n  qwen:\n    pin: true\n    context: 4096\n'),
    ],
    [
      'a removed key leaves its comment',
      COMMENTED,
      [set('api.host', null)],
      COMMENTED.replace('  host: 127.0.0.1   # only me', '  # only me'),
    ],
    ['a removed section too', COMMENTED, [set('metrics', null)], COMMENTED.replace('metrics: {port: 9, enabled: true} # Prom', '# Prom')],
    [
      'the last key takes its sections along',
      COMMENTED,
      [{ path: ['models', 'llama-3.1', 'pin'], value: null }],
      COMMENTED.replace(/models:\n.*\n.*\n/, ''),
    ],
    ['what is there already', COMMENTED, [set('api.port', 8080), set('models.none.pin', null)], COMMENTED],
    ['an empty file', '', [set('api.port', 1)], 'api:\n  port: 1\n'],
    ['comments alone', '# mine', [set('api.port', 1)], '# mine\napi:\n  port: 1\n'],
    ['no newline at the end', 'api:\n  port: 1', [set('api.host', 'x')], 'api:\n  port: 1\n  host: x\n'],
    ['an empty section', 'api: # mine\nb: 1\n', [set('api.port', 1)], 'api: # mine\n  port: 1\nb: 1\n'],
    ['an empty value', 'a:\nb: 1\n', [set('a', 'x')], 'a: x\nb: 1\n'],
    ['an empty value with a comment', 'a: # c\nb: 1\n', [set('a', 'x')], 'a: x # c\nb: 1\n'],
    ['a section that says null', 'api: ~ # none\n', [set('api.port', 1)], 'api: { port: 1 } # none\n'],
    ['empty braces', 'api: {}\n', [set('api.port', 1)], 'api: { port: 1 }\n'],
    ['windows lines', 'api: # c\r\n  port: 1\r\n', [set('api.host', 'x')], 'api: # c\r\n  port: 1\r\n  host: x\r\n'],
    ['a byte order mark', '\ufeffa: 1\n', [set('a', 2), set('b', 1)], '\ufeffa: 2\nb: 1\n'],
    ['JSON stays JSON', '{"api": {"port": 1}}', [set('api.host', 'x'), set('b', {})], '{"api": {"port": 1, "host": "x"}, "b": {}}'],
    ['a trailing comma', 'a: [x, y,]\n', [set('a.2', 'z'), set('a.0', null)], 'a: [y, z,]\n'],
    ['the only item', 'a: [x,]\nb: 1\n', [set('a.0', null)], 'a: []\nb: 1\n'],
    ['a list of lines', 'a:\n  - x # one\n  - y # two\n', [set('a', ['y', 'z'])], 'a:\n  # one\n  - y # two\n  - z\n'],
    ['a list that grows', 'a:\n- x # one\nb: 1\n', [set('a', ['x', 'y z'])], 'a:\n- x # one\n- "y z"\nb: 1\n'],
    ['a list that shrinks', 'a:\n  - x # one\n  - y\n', [set('a', ['y'])], 'a:\n  # one\n  - y\n'],
    ['a list that is emptied', 'a: # list\n  - x # one\nb: 1\n', [set('a', [])], 'a: [] # list\n# one\nb: 1\n'],
    ['a block becomes a value', 'a:\n  # why\n  b: 1 # c\nd: 1\n', [set('a', 3)], 'a: 3\n# why\n# c\nd: 1\n'],
    ['a text of lines', 'a: |\n  # no comment\nb: 1\n', [set('a', 'x')], 'a: x\nb: 1\n'],
    ['a text of lines goes', 'a: |\n  # no comment\nb: 1\n', [set('a', null)], 'b: 1\n'],
    [
      'texts that look like something else',
      'a: 1\n',
      [set('a', 'no'), set('b', '8000'), set('c', 'a: #b')],
      'a: "no"\nb: "8000"\nc: "a: #b"\n',
    ],
    ['a home folder', 'a: []\n', [set('a', ['~/models', '/data/x', '~'])], 'a: [~/models, /data/x, "~"]\n'],
  ])('%s', (_, text, changes, expected) => {
    expect(editYaml(text, changes)).toBe(expected);
  });
});

const IN_LINES = 'a: { # one\n  x: 1, # two\n  y: [1, # three\n    2] # four\n} # five\nb: 1\n';

test.each<[string, readonly DataChange[], unknown]>([
  ['the first key', [set('a.x', null)], { a: { y: [1, 2] }, b: 1 }],
  ['the last key', [set('a.y', null)], { a: { x: 1 }, b: 1 }],
  ['an item', [set('a.y.0', null)], { a: { x: 1, y: [2] }, b: 1 }],
  ['all of it for a value', [set('a', 7)], { a: 7, b: 1 }],
  ['a part of it for a value', [set('a.y', 'z')], { a: { x: 1, y: 'z' }, b: 1 }],
  ['one more key, one more item', [set('a.z', 3), set('a.y.2', 3)], { a: { x: 1, y: [1, 2, 3], z: 3 }, b: 1 }],
  ['all of it', [set('a', null)], { b: 1 }],
])('braces over several lines keep their comments: %s', (_, changes, data) => {
  const after = editYaml(IN_LINES, changes);
  expect(parse(after)).toEqual(data);
  for (const comment of ['# one', '# two', '# three', '# four', '# five']) expect(after).toContain(comment);
});

describe('anchors', () => {
  test('who shares a value that changes gets a copy of the old one', () => {
    const text = 'a: &x 5 # mine\nb: *x\nc: *x # too\n';
    expect(editYaml(text, [set('a', 6)])).toBe('a: &x 6 # mine\nb: 5\nc: 5 # too\n');
    expect(editYaml(text, [set('b', 6)])).toBe('a: &x 5 # mine\nb: 6\nc: *x # too\n');
    expect(editYaml(text, [set('a', null)])).toBe('# mine\nb: 5\nc: 5 # too\n');
  });

  test('a section that is an alias becomes its own', () => {
    const text = 'models:\n  a: &m { pin: true }\n  b: *m\n';
    expect(editYaml(text, [set('models.b.context', 5)])).toBe('models:\n  a: &m { pin: true }\n  b: { pin: true, context: 5 }\n');
    expect(parse(editYaml(text, [set('models.a.pin', false)]))).toEqual({ models: { a: { pin: false }, b: { pin: true } } });
  });
});

describe('what cannot be done is refused', () => {
  test.each<[string, string, readonly DataChange[], RegExp]>([
    ['a path through a value', 'api: 5\n', [set('api.port', 1)], /^api: it is a value/],
    ['an item that is not there', 'a: [1]\n', [set('a.5', 1)], /^a\.5: a list has no such item/],
    ['a tag that changes what is read', 'a: !!str 5\n', [set('a', 6)], /edit it by hand/],
    ['keys written the long way', '? a\n: 1\nb: 1\n', [set('a', null)], /edit it by hand/],
    ['too much at once', '', [set('env', Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`k${at}`, ''])))], /more than 100/],
  ])('%s', (_, text, changes, sentence) => {
    const act = () => editYaml(text, changes);
    expect(act).toThrow(ChangeRefused);
    expect(act).toThrow(sentence);
  });
});

// ---- any file, any edits ------------------------------------------------------------------------

const key = fc.constantFrom('a', 'b', 'port', 'x-y.z', 'no', '7');
const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constantFrom('true', '~', '- x', 'a: b', '# x', '', 'multi\nline'));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(key, tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;
const file = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true });

/**
 * Writes a file as a person might: blocks and braces, comments anywhere, values left out, two kinds
 * of quotes.
 */
function written(data: Readonly<Record<string, unknown>>, dice: () => number, newline: string): { text: string; comments: string[] } {
  const comments: string[] = [];
  const comment = (): string => {
    comments.push(`# c${comments.length} : - {`);
    return comments.at(-1) ?? '';
  };
  const maybe = (before: string): string => (dice() < 0.4 ? before + comment() : '');
  const inline = (of: unknown): string => {
    if (Array.isArray(of)) return `[${of.map(inline).join(', ')}]`;
    if (typeof of === 'object' && of !== null)
      return `{ ${Object.entries(of)
        .map(([k, v]) => `${JSON.stringify(k)}: ${inline(v)}`)
        .join(' , ')} }`;
    return typeof of === 'string' && dice() < 0.5 && !/[\n\t\p{Cc}]|[^\x20-\x7e]/u.test(of)
      ? `'${of.replaceAll("'", "''")}'`
      : JSON.stringify(of);
  };
  const lines = (of: unknown, indent: string): string => {
    const head = () => (dice() < 0.3 ? `${indent}${comment()}${newline}` : dice() < 0.2 ? newline : '');
    const entries = Array.isArray(of)
      ? of.map((item) => ['-', item] as const)
      : Object.entries(of as object).map(([k, v]) => [`${inline(k)}:`, v] as const);
    return entries
      .map(([name, inner]) => {
        const isBlock = typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && dice() < 0.7 && name !== '-';
        if (!isBlock) return `${head()}${indent}${name} ${inline(inner)}${maybe('  ')}${newline}`;
        return `${head()}${indent}${name}${maybe(' ')}${newline}${lines(inner, indent + '  '.repeat(dice() < 0.5 ? 1 : 2))}`;
      })
      .join('');
  };
  const text = lines(data, '') + (dice() < 0.5 ? comment() + newline : '');
  return { text, comments };
}

/** Where edits go: anywhere in the file, or beside it. */
function pathsOf(data: unknown, above: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof data !== 'object' || data === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(data) ? [...data.entries()] : Object.entries(data);
  const added: (string | number)[] = Array.isArray(data) ? [data.length] : ['new', 'a'];
  return [...entries.flatMap(([k, inner]) => [[...above, k], ...pathsOf(inner, [...above, k])]), ...added.map((k) => [...above, k])];
}

/** A second opinion on what an edit means. */
function expected(data: unknown, [step, ...rest]: readonly (string | number)[], to: unknown): unknown {
  const copy = (Array.isArray(data) ? [...data] : { ...(data as object) }) as Record<string | number, unknown>;
  if (step === undefined) return to;
  if (rest.length > 0) copy[step] = expected(copy[step] ?? {}, rest, to);
  else if (to !== null) copy[step] = to;
  const isGone = rest.length > 0 ? copy[step] === undefined : to === null;
  if (isGone && Array.isArray(copy)) copy.splice(Number(step), 1);
  else if (isGone) delete copy[step];
  const isEmpty = isGone && !Array.isArray(copy) && Object.keys(copy).length === 0;
  return isEmpty ? undefined : copy;
}

test('any edits of any file: the data that was meant, every comment, and every line that no edit was about', () => {
  let refused = 0;
  let done = 0;
  fc.assert(
    fc.property(
      file,
      fc.noBias(fc.infiniteStream(fc.nat(99))),
      fc.constantFrom('\n', '\r\n'),
      fc.array(fc.tuple(fc.nat(), fc.option(value, { freq: 3 })), { minLength: 1, maxLength: 4 }),
      (data, stream, newline, picks) => {
        const { text, comments } = written(data, () => (stream.next().value ?? 50) / 100, newline);
        expect(parse(text) ?? {}).toEqual(data);
        let wanted: unknown = data;
        const changes: DataChange[] = [];
        for (const [pick, to] of picks) {
          const paths = pathsOf(wanted);
          const path = paths[pick % paths.length] ?? ['new'];
          const isThere = path.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], wanted) !== undefined;
          changes.push({ path, value: to });
          if (to !== null || isThere) wanted = expected(wanted, path, to) ?? {};
        }
        let after: string;
        try {
          after = editYaml(text, changes);
        } catch (thrown) {
          if (!(thrown instanceof ChangeRefused)) throw thrown;
          refused += 1;
          return;
        }
        done += 1;
        expect(parse(after) ?? {}).toEqual(wanted);
        expect(
          readYaml(after)
            .comments.map((each) => each.text.trim())
            .toSorted(),
        ).toEqual(comments.toSorted());
        const touched = new Set(changes.map(({ path }) => String(path[0])));
        for (const line of text.split(newline)) {
          const top = /^"?([^\s#"':]+)"?: \S/.exec(line)?.[1];
          if (top !== undefined && !touched.has(top)) expect(after.split(newline)).toContain(line);
        }
        if (text.includes('\r\n')) expect(after.replaceAll('\r\n', '')).not.toContain('\n');
      },
    ),
    { numRuns: 600 },
  );
  // Refusing is always safe, and must stay the exception.
  expect(refused).toBeLessThan(done / 50);
});
