/**
 * What LoRA adapters ask for beside their matrices, and which base a path of the trainer's machine
 * stands for: told before anything is loaded.
 */
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { baseOf, type KnownModel } from '../../../main/core/analyzer/lora-base.ts';
import { whyNotAttached } from '../../../main/runtime/vllm/supports.ts';
import { folderOf } from './folder-of.ts';

const Q = 'base_model.model.model.layers.0.self_attn.q_proj';
const PLAIN = [`${Q}.lora_A.weight`, `${Q}.lora_B.weight`];
const CONFIG = {
  peft_type: 'LORA',
  task_type: 'CAUSAL_LM',
  base_model_name_or_path: 'Owner/Base',
  r: 8,
  lora_alpha: 16,
  target_modules: ['q_proj'],
  // As PEFT writes an ordinary one.
  use_dora: false,
  use_rslora: false,
  modules_to_save: null,
  rank_pattern: {},
  alpha_pattern: {},
  bias: 'none',
  lora_bias: false,
  init_lora_weights: true,
  layer_replication: null,
};

function safetensors(names: readonly string[]): Buffer {
  const header = Object.fromEntries(names.map((name, at) => [name, { dtype: 'F32', shape: [1], data_offsets: [4 * at, 4 * at + 4] }]));
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(4 * names.length, 1)]);
}

function look(config: object, names = PLAIN) {
  const contents = { 'adapter_config.json': { ...CONFIG, ...config }, 'adapter_model.safetensors': safetensors(names) };
  const { profile, whole } = analyzeCandidate(folderOf(contents), false);
  const form = profile?.forms[0];
  if (profile === null || form === undefined) throw new Error('it is no adapter');
  expect(whole).toBe(true);
  return { notes: profile.notes.join(' '), adapter: form.adapter, vllm: whyNotAttached(form, null) };
}

/** vLLM 0.32 refuses each of these when it is given the adapter (`lora/peft_helper.py`). */
test.each<[what: string, config: object, names: readonly string[], words: RegExp]>([
  ['DoRA', { use_dora: true }, PLAIN, /DoRA \(use_dora\)/],
  ['DoRA of which only the tensors tell', {}, [...PLAIN, `${Q}.lora_magnitude_vector.weight`], /DoRA/],
  ['whole modules', { modules_to_save: ['lm_head', 'embed_tokens'] }, PLAIN, /modules_to_save: lm_head, embed_tokens/],
  ['whole modules of which only the tensors tell', {}, [...PLAIN, 'base_model.model.lm_head.weight'], /modules_to_save: lm_head/],
  ['PiSSA', { init_lora_weights: 'pissa_niter_4' }, PLAIN, /init_lora_weights: pissa_niter_4/],
  ['a bias', { lora_bias: true }, PLAIN, /lora_bias/],
  [
    'layers twice',
    {
      layer_replication: [
        [0, 4],
        [2, 6],
      ],
    },
    PLAIN,
    /layer_replication/,
  ],
  ['aLoRA', { alora_invocation_tokens: [1, 2] }, PLAIN, /aLoRA/],
])('%s: refused before the load', (_what, config, names, words) => {
  const { notes, vllm } = look(config, [...names]);
  expect(notes).toMatch(words);
  expect(vllm).toMatch(words);
  expect(vllm).toMatch(/^vLLM does not serve adapters with .*: merge it into its base, and drop that$/);
});

test.each<[what: string, config: object, rank: number, notes: RegExp]>([
  ['an ordinary one', {}, 8, /^It is a LoRA adapter: it needs its base, Owner\/Base\.$/],
  [
    'a way to begin that leaves an ordinary one',
    { init_lora_weights: 'gaussian' },
    8,
    /^It is a LoRA adapter: it needs its base, Owner\/Base\.$/,
  ],
  ['scales by the root of the rank', { use_rslora: true }, 8, /^It is a LoRA adapter: it needs its base, Owner\/Base\.$/],
  ['ranks of single modules', { rank_pattern: { 'layers.0.self_attn.q_proj': 64 } }, 64, /ranks of single modules \(rank_pattern\)/],
  ['scales of single modules', { alpha_pattern: { q_proj: 4 } }, 8, /scales of single modules/],
  ['a head of a classifier', { modules_to_save: ['score'] }, 8, /modules_to_save: score/],
])('%s: taken, with the largest of its ranks', (_what, config, rank, words) => {
  const { notes, vllm, adapter } = look(config);
  expect(vllm).toBeNull();
  expect(adapter?.rank).toBe(rank);
  expect(notes).toMatch(words);
});

describe('a base that is named by a path', () => {
  const model = (id: string, aliases: readonly string[] = [], names: readonly string[] = []): KnownModel => ({ id, aliases, names });
  const known = [
    model('Qwen2.5-7B', ['Qwen/Qwen2.5-7B']),
    model('llama-ft', [], ['/srv/models/llama-ft']),
    model('gpt2'),
    model('checkpoint-900'),
  ];

  test.each([
    ['/root/.cache/huggingface/hub/models--Qwen--Qwen2.5-7B/snapshots/d149729398750b98c0af14eb82c78cfe92750796', 'Qwen2.5-7B'],
    [
      'C:\\Users\\me\\.cache\\huggingface\\hub\\models--Qwen--Qwen2.5-7B\\snapshots\\d149729398750b98c0af14eb82c78cfe92750796\\',
      'Qwen2.5-7B',
    ],
    ['/data/hub/models--gpt2/snapshots/607a30d783dfa663caf39e06633721c8d4cfcd7e/', 'gpt2'],
    ['/data/hub/models--Qwen--Qwen2.5-7B', 'Qwen2.5-7B'],
    ['/home/me/out/llama-ft/checkpoint-500', 'llama-ft'],
    ['./outputs/llama-ft/merged/', 'llama-ft'],
    ['/home/me/out/llama-ft/epoch_2/hf', 'llama-ft'],
    ['/home/me/out/other/checkpoint-900', 'checkpoint-900'],
    ['/elsewhere/Qwen2.5-7B/', 'Qwen2.5-7B'],
  ])('%s', (path, id) => expect(baseOf(path, known)).toEqual({ verdict: 'found', id }));

  test.each(['/home/me/out/unknown/checkpoint-500', '/data/hub/models--Qwen--Other/snapshots/aa', '/checkpoint-1'])(
    '%s is not here',
    (path) => {
      expect(baseOf(path, known)).toMatchObject({ verdict: 'needs-base', base: path });
    },
  );

  test('two that match as well are none', () => {
    const twins = [model('a', ['Qwen/Qwen2.5-7B']), model('b', ['qwen/qwen2.5-7b'])];
    expect(baseOf('/hub/models--Qwen--Qwen2.5-7B/snapshots/aa', twins)).toMatchObject({ verdict: 'needs-base' });
  });
});
