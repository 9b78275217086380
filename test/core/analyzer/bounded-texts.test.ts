/** What files say of a model stays small, whatever they say. */
import { describe, expect, test } from 'vitest';
import { boundedTexts } from '../../../main/core/analyzer/bounded-texts.ts';

const NOTHING: ReadonlySet<string> = new Set();

describe('boundedTexts', () => {
  test('leaves alone what models say', () => {
    const said = { architecture: 'LlamaForCausalLM', layerBytes: [1, 2], kv: null, types: { F16: 5 }, hasTemplate: true };
    expect(boundedTexts(said, NOTHING)).toEqual(said);
  });

  test('of a long text stay the beginning and the end, and no half character', () => {
    const said = boundedTexts([`Its base is ${'🙂'.repeat(3_000_000)}/last`], NOTHING)?.[0] ?? '';
    expect(said.length).toBeLessThanOrEqual(1_000);
    expect(said).toMatch(/^Its base is 🙂.* … .*🙂\/last$/u);
    expect(said.isWellFormed()).toBe(true);
  });

  test('no text has a line of its own, and a terminal obeys none', () => {
    const said = { architecture: 'Arch\r\nFAKE row', types: { 'F16\n': 5 }, notes: ['a\u2028b\u001b[31m', '\n'.repeat(900)] };
    const bounded = boundedTexts(said, NOTHING);
    expect(JSON.stringify(bounded)).not.toMatch(/\\[nr]|\\u001b|\u2028/);
    expect(bounded?.architecture).toBe('Arch\\u{d}\\u{a}FAKE row');
    expect(bounded?.notes[1]?.length).toBeLessThanOrEqual(1_000);
  });

  test('paths of the files stay whole, and count nothing', () => {
    const files = Array.from({ length: 5_000 }, (_, at) => `${'a'.repeat(2_000)}${at}`);
    expect(boundedTexts({ files }, new Set(files))).toEqual({ files });
  });

  test.each([
    ['texts', Array.from({ length: 100_000 }, (_, at) => `input ${at}`)],
    ['numbers', { layerBytes: Array.from({ length: 100_000 }, () => 1) }],
    ['names', Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${'t'.repeat(4_000)}${at}`, 1]))],
  ])('too many %s are more than a model says', (_, said) => {
    expect(boundedTexts(said, NOTHING)).toBe(null);
  });
});
