/**
 * What the converter would refuse is part of the verdict: folders as exporters leave them, looked
 * at as the engine does. None of them may be called convertible, and the whole ones must be.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whyNotConvertible } from '../../../main/embedded/convert/check.ts';
import { inspectCandidate } from '../../../main/io/reader/inspect.ts';
import { type TinyFolderOptions, writeTinyFolder } from '../../helpers/tiny-folder.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-check-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}
type Tensors = Record<string, { entry: Tensor; bytes: Buffer }>;

/** Reads the weights, hands them out to be changed, and writes them anew. */
function changeWeights(folder: string, change: (tensors: Tensors) => Tensors): void {
  const path = join(folder, 'model.safetensors');
  const file = readFileSync(path);
  const begin = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, begin)) as Record<string, Tensor>;
  const named = Object.entries(header).filter(([name]) => name !== '__metadata__');
  const changed = change(
    Object.fromEntries(
      named.map(([name, entry]) => [name, { entry, bytes: file.subarray(begin + entry.data_offsets[0], begin + entry.data_offsets[1]) }]),
    ),
  );
  let at = 0;
  const entries = Object.entries(changed).map(([name, { entry, bytes }]) => {
    at += bytes.length;
    return [name, { ...entry, data_offsets: [at - bytes.length, at] }] as const;
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, ...Object.values(changed).map(({ bytes }) => bytes)]));
}

interface TokenizerJson {
  normalizer: object | null;
  pre_tokenizer: { readonly pretokenizers: [{ readonly pattern: { Regex: string } }, ...object[]] };
  model: object;
}

const renamed = (rename: (name: string) => string) => (folder: string) =>
  changeWeights(folder, (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), tensor])));
const without = (lost: string) => (folder: string) =>
  changeWeights(folder, (tensors) => Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== lost)));
const tokenizer = (change: (json: TokenizerJson) => void) => (folder: string) => {
  const json = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as TokenizerJson;
  change(json);
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
};
let count = 0;
async function look(change: (folder: string) => void, options: TinyFolderOptions = {}) {
  count += 1;
  const folder = await writeTinyFolder(join(root, `f${count}`), options);
  change(folder);
  return inspectCandidate(folder, false, whyNotConvertible);
}

type Refused = readonly [what: string, change: (folder: string) => void, why: RegExp, options: TinyFolderOptions];
const REFUSED: readonly Refused[] = [
  ['fewer layers in config.json', () => {}, /hold 2 layers, and config\.json says 1/, { config: { num_hidden_layers: 1 } }],
  ['more layers in config.json', () => {}, /hold 2 layers, and config\.json says 4/, { config: { num_hidden_layers: 4 } }],
  [
    'a matrix that is not there',
    without('model.layers.1.mlp.up_proj.weight'),
    /lack what llama\.cpp's llama needs: blk\.1\.ffn_up\.weight/,
    {},
  ],
  ['an output that is not there', without('lm_head.weight'), /lack .*: output\.weight/, {}],
  ['another width', () => {}, /do not belong together: token_embd|do not belong together/, { config: { hidden_size: 32 } }],
  [
    'other heads of keys',
    () => {},
    /attn_k\.weight is 64 x 32, and by config\.json it would be 64 x 64/,
    { config: { num_key_value_heads: 4 } },
  ],
  [
    'another inner width',
    () => {},
    /ffn_gate\.weight is 64 x 128, and by config\.json it would be 64 x 96/,
    { config: { intermediate_size: 96 } },
  ],
  ['a tensor that nobody knows', () => {}, /has no tensor for model\.surprise\.weight/, { more: { 'model.surprise.weight': [4] } }],
  [
    'cuts of texts that llama.cpp has no name for',
    tokenizer((json) => {
      json.pre_tokenizer.pretokenizers[0].pattern.Regex = '[\r\n]';
    }),
    /does not know .* cuts a text \(\[\\r\\n\], then bytes, with ignore_merges\): a published GGUF/,
    {},
  ],
  [
    'a tokenizer of whole words',
    tokenizer((json) => {
      json.model = { type: 'WordLevel', vocab: { a: 0 }, unk_token: 'a' };
    }),
    /of the kind WordLevel/,
    {},
  ],
  [
    'texts that are changed first',
    tokenizer((json) => {
      json.normalizer = { type: 'Lowercase' };
    }),
    /changes texts first .*Lowercase/,
    {},
  ],
  [
    "Mistral's own tokenizer alone",
    (folder) => {
      rmSync(join(folder, 'tokenizer.json'));
      writeFileSync(join(folder, 'tekken.json'), '{"config":{},"vocab":[]}');
    },
    /tekken\.json alone/,
    {},
  ],
];

test.each(REFUSED)('%s', async (_what, change, why, options) => {
  const { whole, damage, profile } = await look(change, options);
  expect({ whole, damage }).toEqual({ whole: true, damage: null });
  const conversion = profile?.forms[0]?.conversion;
  expect(conversion).toMatchObject({ architecture: null });
  expect(conversion?.why).toMatch(why);
  expect(conversion?.why).not.toMatch(/\p{Cc}/u);
});

test.each<readonly [what: string, change: (folder: string) => void, options: TinyFolderOptions]>([
  ['as transformers saves it', () => {}, {}],
  ['saved from a compiled model', renamed((name) => `_orig_mod.${name}`), {}],
  ['saved from a compiled decoder', renamed((name) => name.replace(/^model\./, 'model._orig_mod.')), {}],
  ['saved from data-parallel training', renamed((name) => `module.${name}`), {}],
  ['a tied output', without('lm_head.weight'), { config: { tie_word_embeddings: true } }],
  ['code of its own beside it', () => {}, { config: { auto_map: { AutoModelForCausalLM: 'modeling_llama.LlamaForCausalLM' } } }],
])('%s: it can be converted', async (_what, change, options) => {
  const { whole, profile } = await look(change, options);
  expect(whole).toBe(true);
  expect(profile?.forms[0]?.conversion).toMatchObject({ architecture: 'llama', why: null });
});

test('weights that ZeRO 3 did not gather are told so, and no copy would help', async () => {
  const { damage, profile } = await look((folder) =>
    changeWeights(folder, (tensors) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, { entry, bytes }]) =>
          /norm/.test(name) ? [name, { entry, bytes }] : [name, { entry: { ...entry, shape: [0] }, bytes: Buffer.alloc(0) }],
        ),
      ),
    ),
  );
  expect(damage).toContain('16 of its 21 tensors are empty (model.embed_tokens.weight is 0), as DeepSpeed ZeRO 3 saves weights');
  expect(damage).toContain('zero_to_fp32.py');
  expect(profile?.forms.every(({ conversion }) => conversion?.architecture == null) ?? true).toBe(true);
});

test.each([
  ['a wrapper', renamed((name) => `_orig_mod.${name}`), {}, /names of its weights are those of a wrapper \(_orig_mod\.model/],
  ['too few layers', () => {}, { config: { num_hidden_layers: 4 } }, /^its weights hold 2 layers, and config\.json says 4$/],
  ['too many layers', () => {}, { config: { num_hidden_layers: 1 } }, /^its weights hold 2 layers, and config\.json says 1$/],
  ['half of a model', without('model.layers.1.input_layernorm.weight'), { config: { num_hidden_layers: 3 } }, /hold 2 layers/],
] as const)('who loads weights by their names hears of %s', async (_what, change, options, why) => {
  expect((await look(change, options)).profile?.forms[0]?.unloadable).toMatch(why);
});
