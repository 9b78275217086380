/** Described folders of which one used file is cut or blank: none of them is whole. */
import { expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { MIB } from '../../../shared/units.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { writeOnnx } from './synthetic-onnx.ts';
import { openVinoXml, tensorRtPlan } from './synthetic-plans.ts';
import { writeSafetensors } from './synthetic-safetensors.ts';
import { checkpoint, torchScript, writeZip } from './synthetic-zip.ts';

const whole = checkpoint();
const cut = whole.subarray(0, whole.length - 40);
const blank = Buffer.alloc(whole.length);
const bert = { 'config.json': { model_type: 'vit', architectures: ['ViTModel'] } };
const timm = { 'config.json': { architecture: 'resnet18', pretrained_cfg: { num_classes: 2 } } };
const adapter = { 'adapter_config.json': { peft_type: 'LORA', r: 8, base_model_name_or_path: 'a/b' } };
const pipeline = { 'model_index.json': { _class_name: 'P', unet: ['diffusers', 'UNet'] }, 'unet/config.json': {} };

/** What holds the folder back, by the file's name or the sentence that has it. */
function faults(contents: Contents): readonly string[] {
  const { missing, damage, whole: isWhole } = analyzeCandidate(folderOf(contents), false);
  const all = [...missing, ...(damage === null ? [] : [damage])];
  expect(isWhole).toBe(all.length === 0);
  return all.map((each) => each.split(': ')[0] ?? each);
}

test.each<[string, Contents, string]>([
  ['transformers', bert, 'pytorch_model.bin'],
  ['timm', timm, 'pytorch_model.bin'],
  ['an adapter', adapter, 'adapter_model.bin'],
  ['diffusers', pipeline, 'unet/diffusion_pytorch_model.bin'],
])('%s: a used pickle that is cut or blank holds it back', (_what, folder, name) => {
  expect(faults({ ...folder, [name]: whole })).toEqual([]);
  expect(faults({ ...folder, [name]: cut })).toEqual([name]);
  expect(faults({ ...folder, [name]: blank })).toEqual([name]);
  expect(faults({ ...folder, [name]: 'xy' })).toHaveLength(1);
});

test('an empty description is one that has not arrived', () => {
  const folder = { ...bert, 'pytorch_model.bin': whole, 'preprocessor_config.json': {} };
  expect(faults(folder)).toEqual([]);
  expect(faults({ ...folder, 'preprocessor_config.json': '' })).toEqual(['preprocessor_config.json']);
});

test('a cut index of pickles holds the model back', () => {
  expect(faults({ ...bert, 'pytorch_model.bin': whole, 'pytorch_model.bin.index.json': '{"weight_map": {"a' })).toEqual([
    'pytorch_model.bin.index.json',
  ]);
});

const weights = writeSafetensors();
const tokenizer = { 'tokenizer.json': { model: { vocab: { a: 0 } } } };
const sentence = {
  ...tokenizer,
  'config.json': { model_type: 'bert', architectures: ['BertModel'], hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 1 },
  'model.safetensors': weights,
  'modules.json': [
    { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    { idx: 2, name: '2', path: '2_Dense', type: 'sentence_transformers.models.Dense' },
  ],
  '1_Pooling/config.json': { word_embedding_dimension: 8, pooling_mode_mean_tokens: true },
  '2_Dense/config.json': { in_features: 8, out_features: 4 },
};

test('a dense layer of sentence-transformers needs its weights, and whole ones', () => {
  expect(faults(sentence)).toEqual(['2_Dense/model.safetensors']);
  expect(faults({ ...sentence, '2_Dense/model.safetensors': weights })).toEqual([]);
  expect(faults({ ...sentence, '2_Dense/pytorch_model.bin': whole })).toEqual([]);
  expect(faults({ ...sentence, '2_Dense/model.safetensors': weights.subarray(0, 40) })).toEqual(['2_Dense/model.safetensors']);
  expect(faults({ ...sentence, '2_Dense/pytorch_model.bin': cut })).toEqual(['2_Dense/pytorch_model.bin']);
});

test.each(['modules.json', 'generation_config.json', 'preprocessor_config.json', 'special_tokens_map.json', '1_Pooling/config.json'])(
  '%s that ends too early holds the model back, and does not count as absent',
  (name) => {
    const good = { ...sentence, '2_Dense/model.safetensors': weights, 'generation_config.json': {}, 'preprocessor_config.json': {} };
    const cutText = JSON.stringify((good as Record<string, unknown>)[name] ?? { bos_token: '<s>' }).slice(0, -2);
    expect(faults({ ...good, [name]: cutText.length > 0 ? cutText : '{' })).toContain(name);
    expect(faults({ ...good, [name]: Buffer.alloc(40) })).toContain(name);
  },
);

test('half a tokenizer is none', () => {
  const base = { ...bert, 'config.json': { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'] }, 'model.safetensors': weights };
  expect(faults({ ...base, 'vocab.json': { a: 0 } })).toEqual(['merges.txt']);
  expect(faults({ ...base, 'vocab.json': { a: 0 }, 'merges.txt': '#version' })).toEqual([]);
  expect(faults({ ...base, 'tokenizer.model': Buffer.alloc(5000) })).toEqual(['tokenizer.model']);
  expect(faults({ ...base, 'tokenizer.model': Buffer.alloc(5000, 7) })).toEqual([]);
});

test('shards that the index or the names of the others tell of', () => {
  const part = (stem: string, number: number) => `${stem}-0000${number}-of-00003.safetensors`;
  const index = (stem: string) => ({ weight_map: Object.fromEntries([1, 2, 3].map((number) => [`t${number}`, part(stem, number)])) });
  const name = 'diffusion_pytorch_model';
  const one = { ...pipeline, [`unet/${part(name, 1)}`]: weights };
  expect(faults(one)).toEqual([`unet/${part(name, 2)}`, `unet/${part(name, 3)}`, `unet/${name}.safetensors.index.json`]);
  expect(faults({ ...one, [`unet/${name}.safetensors.index.json`]: index(name) })).toHaveLength(2);
  const all = { ...one, [`unet/${part(name, 2)}`]: weights, [`unet/${part(name, 3)}`]: weights };
  expect(faults({ ...all, [`unet/${name}.safetensors.index.json`]: index(name) })).toEqual([]);
  expect(faults({ ...all, [`unet/${name}.safetensors.index.json`]: '{"weight_map": {"a' })).toEqual([
    `unet/${name}.safetensors.index.json`,
  ]);
  const mistral = { 'params.json': { dim: 8, n_layers: 1, n_heads: 1, head_dim: 8 }, 'tekken.json': { config: {} } };
  const first = { ...mistral, [part('consolidated', 1)]: weights };
  expect(faults(first)).toEqual([part('consolidated', 2), part('consolidated', 3)]);
  expect(faults({ ...mistral, 'consolidated.safetensors': weights })).toEqual([]);
  expect(faults({ ...mistral, 'consolidated.safetensors': weights, 'tekken.json': '{"config": {' })).toEqual(['tekken.json']);
  // A download that begins again empties the file first, and may then wait for hours.
  expect(faults({ ...mistral, 'consolidated.safetensors': weights, 'tekken.json': '' })).toEqual(['tekken.json']);
  expect(faults({ ...first, 'consolidated.safetensors.index.json': '{"weight' })).toContain('consolidated.safetensors.index.json');
});

test('a cut file of PyTorch beside a sound one keeps nobody from that one', () => {
  const { usable, profile } = analyzeCandidate(folderOf({ 'a.pt': torchScript(), 'b.pt': torchScript().subarray(0, 100) }), false);
  expect([usable, profile?.forms[0]?.files]).toEqual([true, ['a.pt']]);
});

test('a pickle without its end, and a `.bin` beside an `.xml` that is none of OpenVINO', () => {
  const pickle = Buffer.from([0x80, 4, 0x95, 0, 0, 0, 0, 0x2e]);
  expect(faults({ ...bert, 'pytorch_model.bin': pickle })).toEqual([]);
  expect(faults({ ...bert, 'pytorch_model.bin': pickle.subarray(0, -1) })).toEqual(['pytorch_model.bin']);
  const fake = { ...pipeline, 'unet/diffusion_pytorch_model.bin': cut, 'unet/diffusion_pytorch_model.xml': '<net' };
  expect(faults(fake)).toEqual(['unet/diffusion_pytorch_model.bin']);
});

/**
 * Three MiB of weights in each, of which the second is zeros: as a download in pieces leaves them.
 */
const LARGE = 3 * MIB;
const external = writeOnnx({
  tensors: [{ name: 'w', dims: [LARGE / 4], type: 1, external: { location: 'w.data', offset: 0, length: LARGE } }],
});
const xml = openVinoXml()
  .replace('shape="4, 8" size="128"', `shape="${LARGE / 4}" size="${LARGE}"`)
  .replace("offset='128'", `offset='${LARGE}'`);
const bin = Buffer.concat([Buffer.alloc(LARGE, 3), Buffer.from('axis....')]);

test.each<[string, Contents, string]>([
  ['pickle', { ...bert, 'pytorch_model.bin': checkpoint(LARGE) }, 'pytorch_model.bin'],
  ['TorchScript', { 'net.pt': torchScript(LARGE) }, 'net.pt'],
  [
    'an exported program',
    {
      'net.pt2': writeZip([
        { name: 'm/archive_format', content: 'pt2' },
        { name: 'm/models/model.json', content: '{}' },
        { name: 'm/data/weights/w', content: Buffer.alloc(LARGE, 1) },
      ]),
    },
    'net.pt2',
  ],
  ['ONNX with weights beside it', { 'm.onnx': external, 'w.data': Buffer.alloc(LARGE, 5) }, 'w.data'],
  [
    'ONNX with weights in it',
    { 'm.onnx': writeOnnx({ tensors: [{ name: 'w', dims: [LARGE / 4], type: 1, raw: Buffer.alloc(LARGE, 5) }] }) },
    'm.onnx',
  ],
  ['OpenVINO', { 'm.xml': xml, 'm.bin': bin }, 'm.bin'],
  ['TensorRT', { 'm.engine': tensorRtPlan(0x2b, LARGE) }, 'm.engine'],
])('preallocated and not there yet: %s', (_what, contents, name) => {
  expect(analyzeCandidate(folderOf(contents), false)).toMatchObject({ whole: true, zeroTails: [] });
  const good = Buffer.from(contents[name] as Buffer);
  const holed = Buffer.from(good).fill(0, MIB, 2 * MIB);
  expect(analyzeCandidate(folderOf({ ...contents, [name]: holed }), false).zeroTails).toEqual([expect.stringContaining(name)]);
  // A person's word lets it through, and says so.
  const forced = analyzeCandidate(folderOf({ ...contents, [name]: holed }), true);
  expect([forced.zeroTails, forced.profile?.notes.at(-1)]).toEqual([[], expect.stringContaining('Loaded anyway')]);
});

test('zeros as a trained model has them are no hole', () => {
  const bias = Buffer.from(bin);
  bias.fill(0, MIB, MIB + 300_000);
  bias.fill(0, LARGE - 8_000, LARGE);
  expect(analyzeCandidate(folderOf({ 'm.xml': xml, 'm.bin': bias }), false)).toMatchObject({ whole: true, zeroTails: [] });
});

test('all files together may cost no more than a model does', () => {
  const files = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`m-${at}.safetensors`, weights]));
  const folder = { 'config.json': bert['config.json'], ...files };
  expect(analyzeCandidate(folderOf(folder), false).whole).toBe(true);
  const sources = folderOf(folder);
  let readBytes = 0;
  const counting = sources.map((file) => ({
    ...file,
    open: () => {
      const source = file.open();
      return {
        bytes: source.bytes,
        read: (offset: number, length: number) => {
          readBytes += length;
          return source.read(offset, length);
        },
      };
    },
  }));
  // Whether a file is a pointer or empty is asked before, of a few bytes of each.
  analyzeCandidate(counting, false, 0);
  const before = readBytes;
  readBytes = 0;
  const { whole: isWhole, damage } = analyzeCandidate(counting, false, 4096);
  expect([isWhole, damage]).toEqual([false, expect.stringContaining('MiB, which is the limit')]);
  expect(readBytes).toBeLessThanOrEqual(before + 4096);
});
