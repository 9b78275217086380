/** What a person or a request types, and which model it means. */
import { describe, expect, test } from 'vitest';
import { type NewRecord, Registry } from '../../main/core/registry.ts';
import { type ModelProfile, NOTHING_KNOWN } from '../../shared/profile.ts';

function registry(names: Readonly<Record<string, readonly string[]>>, settings: ConstructorParameters<typeof Registry>[0] = () => ({})) {
  const made = new Registry(settings);
  for (const [id, aliases] of Object.entries(names)) made.add({ ...record(id), aliases });
  return made;
}

function record(id: string): NewRecord {
  return { id, aliases: [], path: `/m/${id}`, realPath: `/m/${id}`, kind: 'file', added: false, device: 1, inode: 1, files: [] };
}

describe('which model a name means', () => {
  const models = registry({
    SmolLM2: [],
    模型一: [],
    'caf\u00e9': ['owner/caf\u00e9'],
    'my model (1)': [],
    'llama3.2-1b': ['llama3.2:1b'],
  });

  test.each([
    ['SmolLM2', 'SmolLM2'],
    ['smollm2', 'SmolLM2'],
    ['SMOLLM2.GGUF', 'SmolLM2'],
    ['smollm2:latest', 'SmolLM2'],
    ['模型一', '模型一'],
    ['cafe\u0301', 'caf\u00e9'],
    ['CAF\u00c9', 'caf\u00e9'],
    ['OWNER/CAFE\u0301', 'caf\u00e9'],
    ['my model (1)', 'my model (1)'],
    ['My-Model-1', 'my model (1)'],
    ['my-model--1-', 'my model (1)'],
    ['LLAMA3.2:1B', 'llama3.2-1b'],
    ['smol', null],
    ['模型二', null],
    ['SmolLM2:q4', null],
    ['', null],
    ['x'.repeat(100_000), null],
  ])('%s -> %s', (name, id) => expect(models.resolve(name)).toBe(id));

  test('a spelling that could mean two models means none, and each answers to its own name', () => {
    const two = registry({ Model: [], model: [], MODEL: ['x'] });
    expect(['Model', 'model', 'MODEL', 'mOdEl', 'model.gguf'].map((name) => two.resolve(name))).toEqual([
      'Model',
      'model',
      'MODEL',
      null,
      // Exact but for what people add.
      'model',
    ]);
  });

  test('a quantisation behind the name: the one that is served, and no other', () => {
    const gguf = (id: string, files: readonly string[], weights: readonly (string | null)[]): NewRecord & { profile: ModelProfile } => {
      const forms = files.map((file, at) => ({
        kind: 'gguf' as const,
        files: [file],
        codeFiles: [],
        ...(weights[at] === null ? {} : { detail: weights[at]!, weights: {} as never }),
      }));
      return { ...record(id), profile: { ...NOTHING_KNOWN, quantization: 'Q4_K', forms } };
    };
    const chosen: { quantization?: string } = {};
    const made = new Registry(() => ({ several: chosen, aliased: { aliases: ['gpt-4o'] } }));
    for (const { profile, ...one } of [
      gguf('Model-Q4_K_M', ['Model-Q4_K_M-00001-of-00002.gguf'], [null]),
      gguf('aliased', ['weights.gguf'], [null]),
      gguf('several', ['M-BF16.gguf', 'M-Q4_K_M.gguf'], ['BF16', 'Q4_K_M']),
    ]) {
      made.add(one);
      made.update(one.id, { profile });
    }
    const resolved = (...names: readonly string[]) => names.map((name) => made.resolve(name));
    expect(resolved('Model-Q4_K_M:Q4_K_M', 'model-q4_k_m:q4_k_m', 'Model-Q4_K_M:Q4_K', 'Model-Q4_K_M:Q8_0')).toEqual([
      'Model-Q4_K_M',
      'Model-Q4_K_M',
      'Model-Q4_K_M',
      null,
    ]);
    expect(resolved('gpt-4o:Q4_K', 'nobody:Q4_K', `${':'.repeat(100_000)}Q4_K`)).toEqual(['aliased', null, null]);
    expect(made.quantizationsBeside('gpt-4o:Q8_0')).toEqual(['gpt-4o:Q4_K', 'gpt-4o']);
    // Which of several it is, is decided by a person or by the load.
    expect(resolved('several:BF16', 'several:Q4_K_M')).toEqual([null, null]);
    chosen.quantization = 'Q4_K_M';
    expect(resolved('several:BF16', 'several:q4_k_m')).toEqual([null, 'several']);
    expect(made.quantizationsBeside('several:BF16')).toEqual(['several:Q4_K_M', 'several']);
  });

  test('names go with their model, and those of the settings count as others do', () => {
    const made = registry({ a: ['Alias'] }, () => ({ a: { aliases: ['gpt-4o'] } }));
    expect([made.resolve('ALIAS'), made.resolve('GPT-4o')]).toEqual(['a', 'a']);
    made.update('a', { aliases: ['other'] });
    expect([made.resolve('alias'), made.resolve('OTHER')]).toEqual([null, 'a']);
    made.apply('a', { type: 'gone' });
    expect([made.resolve('a'), made.resolve('other'), made.resolve('gpt-4o')]).toEqual([null, null, null]);
    expect(made.names()).toEqual([]);
  });

  test('an id wins over the alias of another model, also one that comes later', () => {
    const made = registry({ first: ['second'] });
    expect(made.resolve('second')).toBe('first');
    made.add(record('second'));
    expect(made.resolve('second')).toBe('second');
    made.apply('second', { type: 'gone' });
    expect(made.resolve('second')).toBe('first');
  });
});
