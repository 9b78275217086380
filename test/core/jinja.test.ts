/**
 * Our engine of chat templates against jinja2 as transformers compiles it: what jinja2 made of
 * public templates and of single expressions is recorded by test/runtimes/record-templates.ts. And
 * templates that never end.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TemplateBoundError, TemplateError } from '../../main/core/jinja/errors.ts';
import { isInexact, parseExactly } from '../../main/core/jinja/exact-json.ts';
import { Template } from '../../main/core/jinja/template.ts';
import {
  BOUNDS,
  conversations,
  FIXTURES,
  fingerprint,
  now,
  publicTemplates,
  renderConversation,
  TOKENS,
} from '../helpers/chat-templates.ts';

const read = (name: string): unknown => JSON.parse(readFileSync(join(FIXTURES, name), 'utf8'));

function rendered(template: string, values: Readonly<Record<string, unknown>> = {}, bounds = BOUNDS): string {
  return new Template(template).render(values, { bounds, now });
}

/**
 * What jinja2 and we differ in, by template and conversation, with the difference; nothing today.
 */
const KNOWN_DIFFERENCES: readonly string[] = [];

describe.skipIf(publicTemplates() === null)('public templates', () => {
  test('each of at least 80 makes of 8 conversations what jinja2 makes of them, byte by byte', () => {
    const recorded = read('recorded.json') as Record<string, Record<string, string>>;
    const templates = publicTemplates() ?? new Map<string, string>();
    const differences: string[] = [];
    for (const [name, text] of templates) {
      const template = new Template(text);
      for (const [label, conversation] of conversations()) {
        let made: string;
        try {
          made = fingerprint(renderConversation(template, conversation));
        } catch (error) {
          if (!(error instanceof TemplateError)) throw error;
          made = 'refused';
        }
        if (made !== recorded[name]?.[label]) differences.push(`${name} / ${label}`);
      }
    }
    expect(templates.size).toBeGreaterThanOrEqual(80);
    expect(Object.keys(recorded).sort()).toEqual([...templates.keys()].sort());
    expect(differences).toEqual(KNOWN_DIFFERENCES);
  });
});

describe('expressions and statements', () => {
  const values = parseExactly(
    '{"s": "  a b  ", "n": null, "l": [3, 1, 2], "d": {"b": 1, "a": null, "items": 5}, "f": 1.0, "u": "😀é"}',
  ) as Record<string, unknown>;

  test('each is what jinja2 makes of it, or refused where jinja2 refuses it', () => {
    const recorded = read('expressions.json') as readonly (readonly [string, string | null])[];
    const differences = recorded.flatMap(([template, wanted]) => {
      let made: string | null = null;
      try {
        made = rendered(template, { ...values, ...TOKENS });
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
      }
      return made === wanted ? [] : [{ template, wanted, made }];
    });
    expect(recorded.length).toBeGreaterThan(500);
    expect(differences).toEqual([]);
  });

  test('numbers of JSON stay what they are', () => {
    const shown = (json: string) => rendered('{{ v | tojson }}', { v: parseExactly(json) });
    for (const json of ['1.0', '[1.0, 1]', '{"a": 1e+20}', '12345678901234567890', '-0.0', '[100.00]', '[1.5, 1, 0.1]', '{"a": "1.0, 2"}'])
      expect(shown(json)).toBe(json.replace('100.00', '100.0'));
    expect(isInexact('{"content": "1. First, 2. second; v1.0.3 of 2024-01-01"}')).toBe(false);
    expect(isInexact(`{"a": ${'1'.repeat(100_000)}x`)).toBe(false);
  });

  test('a refusal names its line and its words', () => {
    const refusalAt = (template: string) => {
      try {
        rendered(template);
      } catch (error) {
        return error instanceof TemplateError ? `${error.line}: ${error.message}` : error;
      }
      return null;
    };
    expect(refusalAt('a\nb\n{{ 1 +\n }}')).toBe('4: unexpected end of print statement');
    expect(refusalAt('a\n{% for x in [1] %}\n{{ raise_exception("no " ~ x) }}\n{% endfor %}')).toBe('3: no 1');
    expect(refusalAt('{% macro m(x) %}\n{{ x.y.z }}\n{% endmacro %}\n\n{{ m({}) }}')).toBe("2: 'dict object' has no attribute 'y'");
    expect(refusalAt('{% macro m() %}\n\n{% endmacro %}\n{{ m() + 1 }}')).toBe('4: can only concatenate str (not "int") to str');
    expect(refusalAt('{% if true %}\n')).toContain("'elif' or 'else' or 'endif'");
  });

  test('nothing of JavaScript can be reached', () => {
    for (const path of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype', 'length', 'at', 'charCodeAt'])
      expect(
        rendered(`{{ 'a'.${path} is defined }}{{ {}.${path} is defined }}{{ [].${path} is defined }}{{ {}['${path}'] is defined }}`),
      ).toBe('False'.repeat(4));
    expect(() => rendered("{{ 'a' | constructor }}")).toThrow("No filter named 'constructor'.");
    expect(() => rendered("{{ 'a' is toString }}")).toThrow("No test named 'toString'.");
  });

  test('lists and dictionaries change in place only where that is allowed', () => {
    const template = '{% set l = [1] %}{% set _ = l.append(2) %}{% set d = {} %}{% set _ = d.update({"a": l.pop(0)}) %}{{ l }}{{ d }}';
    expect(() => rendered(template)).toThrow("access to attribute 'append' of 'list' object is unsafe.");
    const changing = { ...BOUNDS, mayChange: true };
    expect(rendered(template, {}, changing)).toBe("[2]{'a': 1}");
  });
});

describe('templates that never end', () => {
  const NINES = '{% set l = range(99999) | list %}';
  test.each([
    [
      'a loop in a loop',
      '{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}',
    ],
    [
      'a doubling text',
      "{% set ns = namespace(s='ab') %}{% for i in range(9999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s | length }}",
    ],
    ['a doubling list', '{% set ns = namespace(l=[1]) %}{% for i in range(9999) %}{% set ns.l = ns.l + ns.l %}{% endfor %}'],
    ['a doubling text by ~', "{% set ns = namespace(s='ab') %}{% for i in range(9999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"],
    [
      'a doubling text by replace',
      "{% set ns = namespace(s='aa') %}{% for i in range(9999) %}{% set ns.s = ns.s | replace('a', 'aa') %}{% endfor %}",
    ],
    [
      'a doubling text by join',
      "{% set ns = namespace(s='ab') %}{% for i in range(9999) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}",
    ],
    [
      'a doubling text by format',
      "{% set ns = namespace(s='ab') %}{% for i in range(9999) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}",
    ],
    [
      'a doubling text by a macro',
      "{% macro m(s) %}{{ s }}{{ s }}{% endmacro %}{% set ns = namespace(s='ab') %}{% for i in range(9999) %}{% set ns.s = m(ns.s) %}{% endfor %}",
    ],
    ['a text repeated', "{{ 'a' * 10 ** 12 }}"],
    ['a list repeated', '{{ [1] * 10 ** 12 }}'],
    ['a wide field', "{{ '%999999999999d' % 1 }}"],
    ['another wide field', "{{ '{:>999999999}'.format(1) }}"],
    ['a padded text', "{{ 'a'.ljust(10 ** 12) }}"],
    ['an indented text', "{{ ('a\\n' * 99999) | indent(99999) }}"],
    ['a huge number', '{{ 10 ** (10 ** 10) }}'],
    ['a number that squares', '{% set ns = namespace(n=10) %}{% for i in range(999) %}{% set ns.n = ns.n * ns.n %}{% endfor %}'],
    ['endless output', `${NINES}{% for a in l %}{% for b in l %}{{ 'abcdefgh' * 99 }}{% endfor %}{% endfor %}`],
    ['a macro that calls itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
    ['a loop that calls itself', '{% for a in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}'],
    ['an endless list of lists', '{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}'],
    ['texts kept', `${NINES}{{ l | map('format', l) | list }}{{ l | map('string') | map('center', 9999) | list | length }}`],
    ['a sort of sorts', `${NINES}{% for a in l %}{% set b = l | sort(reverse=true) %}{% endfor %}`],
    ['a search in a search', `${NINES}{% for a in l %}{{ -1 in l }}{% endfor %}`],
    ['deep brackets', `{{ ${'('.repeat(9_999)}1${')'.repeat(9_999)} }}`],
    ['deep ifs', '{% if 1 %}'.repeat(5_000)],
    ['a long chain', `{{ 1${' + 1'.repeat(100_000)} }}`],
  ])('%s', (_, template) => {
    expect(() => rendered(template, {}, { ...BOUNDS, steps: 500_000, longestText: 1_000_000 })).toThrow(TemplateError);
  });

  test('a run of spaces is read once, not squared', () => {
    const spaces = ' '.repeat(1_000_000);
    expect(rendered(`x${spaces}y{{- 1 }}`).length).toBe(1_000_003);
    expect(
      rendered('{{ s.strip() | length }}{{ s.split() | length }}{{ s.rsplit(none, 1) | length }}{{ s | trim | length }}', {
        s: `a${spaces}b`,
      }),
    ).toBe('1000002221000002');
  });

  test.each([
    ['tabs', '{{ a.expandtabs() | length }}', '200000'],
    ['open marks', "{{ ('<' * 200000) | striptags | length }}", '200000'],
    ['open comments', "{{ ('<!--' * 100000) | striptags | length }}", '400000'],
    ['a number that is none', "{{ (('1' * 200000) ~ 'x') | float }}{{ (('1' * 200000) ~ 'x') | int }}", '0.00'],
    ['parts from the right', "{{ a.rsplit('a', 200000) | length }}", '200001'],
    ['names in a format', "{{ ('%(' * 100000) % 1 }}", 'unsupported format character'],
    ['zeros in a format', "{{ ('%' ~ '0' * 200000 ~ '!') % 1 }}", 'unsupported format character'],
    [
      'a tuple of tuples',
      '{% set ns = namespace(t=(1, 2)) %}{% for i in range(40) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}{{ {ns.t: 1} }}',
      'more than 1000 parts as a key',
    ],
    ['an order of texts', "{% set b = a ~ 'b' %}{% for i in range(99999) %}{{ a < b }}{% endfor %}", 'more than 1000000 steps'],
    ['a search from the front', "{% for i in range(99999) %}{{ a.find('b', 1) }}{% endfor %}", 'more than 1000000 steps'],
    ['a beginning', '{% for i in range(99999) %}{% set b = a | truncate(5) %}{% endfor %}', 'more than 1000000 steps'],
    ['a look without case', '{% set b = ([a] * 9000) | unique | list %}', 'more than 1000000 steps'],
    ['a character', "{% set s = '😀' * 99999 %}{% for i in range(99999) %}{{ s[0] }}{% endfor %}", 'more than 1000000 steps'],
  ])('what is long costs what it is long, not squared, and counts: %s', (_, template, wanted) => {
    const startMs = performance.now();
    let made: string;
    try {
      made = rendered(template, { a: 'a'.repeat(200_000) }, { ...BOUNDS, steps: 1_000_000, milliseconds: Number.POSITIVE_INFINITY });
    } catch (thrown) {
      made = (thrown as Error).message;
    }
    expect(made).toContain(wanted);
    expect(performance.now() - startMs).toBeLessThan(8_000);
  });

  test('tabs, marks and directives are read as Python and jinja2 read them', () => {
    expect(rendered("{{ 'a\tbc\t\n\td\t'.expandtabs(4) }}|{{ 'a\tb'.expandtabs(0) }}|{{ 'ü\tb'.expandtabs() }}")).toBe(
      'a   bc  \n    d   |ab|ü       b',
    );
    expect(rendered("{{ 'a<b>c<!-- <i> -->d</b>e < f <!-- g' | striptags }}")).toBe('acde < f <!-- g');
    expect(
      rendered("{{ '<!--a>b' | striptags }}|{{ 'a.b.c'.rsplit('.', 1) }}|{{ '%(a)05d %%' % {'a': 7} }}|{{ '%-3d|%*d' % (1, 3, 2) }}"),
    ).toBe("b|['a.b', 'c']|00007 %|1  |  2");
    expect(
      rendered("{{ {(1, 'a'): 'x'}[(1.0, 'a')] }}{{ {('1', 'a'): 'x'}[(1, 'a')] is defined }}{{ {('a', 'b'): 1}[('a b',)] is defined }}"),
    ).toBe('xFalseFalse');
  });

  test.each([
    ['steps', '{% for a in range(9999) %}{% endfor %}', { steps: 1_000 }, 'more than 1000 steps'],
    ['characters', "{% for a in range(999) %}{{ 'x' * 1000 }}{% endfor %}", { characters: 100_000 }, 'more than 100000 characters in all'],
    ['longestText', "{{ ('x' * 2000) | length }}", { longestText: 1_000 }, '1000'],
  ])('%s bound it where nothing else does', (_, template, bound, words) => {
    const endless = Number.POSITIVE_INFINITY;
    const others = { steps: endless, characters: endless, longestText: endless, milliseconds: endless, now: BOUNDS.now };
    expect(rendered(template, {}, others)).toBeDefined();
    expect(() => rendered(template, {}, { ...others, ...bound })).toThrow(words);
  });

  test('its time is bounded too', () => {
    let ms = 0;
    const slow = { ...BOUNDS, steps: Number.POSITIVE_INFINITY, milliseconds: 50, now: () => (ms += 1) };
    expect(() => rendered('{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}', {}, slow)).toThrow(
      TemplateBoundError,
    );
  });
});
