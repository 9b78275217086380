/**
 * What the Settings page makes of the real schema, of edits and of refusals, before anything is
 * drawn.
 */
import { describe, expect, it } from 'vitest';
import {
  changeInWords,
  changesOf,
  keyOf,
  NO_EDITS,
  rebased,
  sortedSentences,
  valueAt,
  withEdit,
} from '../../renderer/pages/settings/draft.ts';
import { controlOf, type Field, type Schema, sectionsOf } from '../../renderer/pages/settings/schema.ts';
import { label, readNumber, title, unit, valueInWords } from '../../renderer/pages/settings/words.ts';
import { settingsJsonSchema } from '../../shared/settings.ts';
import { checkSettings } from '../../shared/settings-check.ts';
import { settingsKeys } from '../../shared/settings-keys.ts';

const sections = sectionsOf(settingsJsonSchema() as Schema);
const fields: readonly Field[] = sections.flatMap(({ key, groups, each }) => [
  ...groups.flatMap((group) => group.fields),
  ...(each ?? []).map((field) => ({ ...field, path: [key, '<id>', ...field.path] })),
]);

function field(key: string): Field {
  const found = fields.find(({ path }) => path.join('.') === key);
  if (found === undefined) throw new Error(`no field ${key}`);
  return found;
}

describe('the form', () => {
  it('has every key of the settings, once, with its description, its default and whether it needs a restart', () => {
    const keys = settingsKeys().filter(({ isSection }) => !isSection);
    expect(fields.map(({ path }) => path.join('.')).sort()).toEqual(keys.map(({ path }) => path.join('.')).sort());
    for (const { path, description, fallback, needsRestart } of keys) {
      expect(field(path.join('.')), path.join('.')).toMatchObject({ description, needsRestart });
      expect(field(path.join('.')).fallback ?? null).toEqual(fallback ?? null);
    }
  });

  it.each([
    ['llama.enabled', { name: 'switch' }],
    ['llama.command', { name: 'text' }],
    ['llama.args', { name: 'list', words: [], numbers: false }],
    ['llama.env', { name: 'map' }],
    ['llama.port_range', { name: 'json' }],
    ['vllm.enabled', { name: 'choice', values: ['auto', true, false] }],
    ['gpus.use', { name: 'list', words: ['all', 'none'], numbers: true }],
    ['orchestration.policies.load', { name: 'choice', values: ['on_drop', 'on_request'] }],
    ['orchestration.policies.evict_after_idle_seconds', { name: 'number', words: ['auto'] }],
    ['orchestration.model_discovery.watch_directories', { name: 'list', words: [] }],
    ['host.memory_limit_mb', { name: 'number', limits: { whole: true, least: 0, above: true } }],
    ['models.<id>.pin', { name: 'switch' }],
    ['models.<id>.gpus', { name: 'list', numbers: true }],
  ])('shows %s by the control for its shape', (key, control) => {
    expect(field(key).control).toMatchObject(control);
  });

  it('shows a shape that it does not know as JSON', () => {
    expect(controlOf({ anyOf: [{ type: 'object', properties: {} }, { type: 'boolean' }] })).toEqual({ name: 'json' });
    expect(controlOf({})).toEqual({ name: 'json' });
    expect(controlOf({ type: 'array', items: { type: 'object' } })).toEqual({ name: 'json' });
    expect(controlOf({ enum: [1, 2] })).toEqual({ name: 'json' });
  });

  it('names keys in words, with the unit apart', () => {
    expect(label('evict_after_idle_seconds')).toBe('Evict after idle');
    expect([unit('evict_after_idle_seconds'), unit('reserve_mb'), unit('port')]).toEqual(['seconds', 'MiB', null]);
    expect([label('cors_origins'), label('gpus'), label('llama')]).toEqual(['CORS origins', 'GPUs', 'llama.cpp']);
    expect([title('host'), label('host'), title('api')]).toEqual(['Main memory', 'Host', 'API']);
    expect(valueInWords({ A: '1' })).toBe('A=1');
  });

  it('takes no number beyond its limits', () => {
    const limits = { whole: true, least: 0, above: true, most: 65_535 };
    expect(readNumber('80', limits)).toEqual({ value: 80, problem: null });
    for (const text of ['', 'x', '1.5', '0', '-1', '70000']) expect(readNumber(text, limits).problem, text).not.toBeNull();
  });
});

describe('edits', () => {
  const given = { api: { port: 9_000, cors_origins: ['a'] }, models: { 'a.b': { pin: true } } };
  const port = { path: ['api', 'port'], value: 9_001, problem: null };

  it('that say what the file says are none', () => {
    const one = withEdit(NO_EDITS, given, port);
    expect(withEdit(one, given, { ...port, value: 9_000 }).size).toBe(0);
    expect(withEdit(one, given, { path: ['api', 'cors_origins'], value: ['a'], problem: null }).size).toBe(1);
    expect(withEdit(NO_EDITS, given, { path: ['api', 'host'], value: undefined, problem: null }).size).toBe(0);
    expect(withEdit(one, given, { ...port, value: '9000', problem: 'A number is expected here.' }).size).toBe(1);
  });

  it('stay when the file says something else, unless it says the same now', () => {
    const edits = withEdit(withEdit(NO_EDITS, given, port), given, { path: ['models', 'a.b', 'pin'], value: undefined, problem: null });
    expect([...rebased(edits, { api: { port: 9_001 }, models: given.models }).keys()]).toEqual([keyOf(['models', 'a.b', 'pin'])]);
    expect(changesOf(edits)).toEqual([
      { path: ['api', 'port'], value: 9_001 },
      { path: ['models', 'a.b', 'pin'], value: null },
    ]);
  });

  it('are said as key, old and new', () => {
    const say = (path: readonly string[], value: unknown) => changeInWords({ path, value, problem: null }, given, () => 8_000);
    expect(say(['api', 'port'], 9_001)).toBe('api.port: 9000 -> 9001');
    expect(say(['api', 'port'], undefined)).toBe('api.port: 9000 -> 8000 (the default)');
    expect(changeInWords({ path: ['llama', 'command'], value: '/x', problem: null }, given, () => null)).toBe(
      'llama.command: the default -> /x',
    );
  });

  it("get the engine's own sentences, each its own", () => {
    const changes = [
      { path: ['api', 'port'], value: 70_000 },
      { path: ['llama', 'args'], value: [1] },
      { path: ['models', 'a.b', 'context'], value: -1 },
    ];
    const checked = checkSettings({ api: { port: 70_000 }, llama: { args: [1], other: 1 }, models: { 'a.b': { context: -1 } } });
    const message = 'problems' in checked ? checked.problems.map(({ sentence }) => sentence).join('\n') : '';
    const edits = changes.reduce((all, change) => withEdit(all, {}, { ...change, problem: null }), NO_EDITS);
    const { byKey, rest } = sortedSentences(message, edits);
    expect(byKey.get(keyOf(['api', 'port']))).toBe('api.port: expected a number of at most 65535.');
    expect(byKey.get(keyOf(['llama', 'args']))).toContain('llama.args.0: expected a text');
    expect(byKey.get(keyOf(['models', 'a.b', 'context']))).toContain('models.a.b.context');
    expect(rest).toHaveLength(1);
    expect(rest[0]).toContain('unknown key "llama.other"');
  });

  it('look at own keys only', () => {
    expect(valueAt({}, ['constructor', 'name'])).toBeUndefined();
  });
});
