import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { codeFilesByName } from '../../../main/core/analyzer/code-files.ts';
import { readDiffusers } from '../../../main/core/analyzer/diffusers-folder.ts';
import { confined } from '../../../main/core/analyzer/file-names.ts';
import { baseOf, type KnownModel } from '../../../main/core/analyzer/lora-base.ts';
import { readLora } from '../../../main/core/analyzer/lora-folder.ts';
import { readMistral } from '../../../main/core/analyzer/mistral-folder.ts';
import { readNotServable } from '../../../main/core/analyzer/not-servable.ts';
import { readSentenceTransformer } from '../../../main/core/analyzer/sentence-transformers.ts';
import { readTimm } from '../../../main/core/analyzer/timm-folder.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { writeSafetensors } from './synthetic-safetensors.ts';
import { checkpoint } from './synthetic-zip.ts';

const weights = writeSafetensors();

describe('names inside files', () => {
  test.each([
    ['model.onnx_data', 'onnx/model.onnx_data'],
    ['./a//b', 'onnx/a/b'],
    ['..', null],
    ['a/../../b', null],
    ['/etc/passwd', null],
    ['\\\\server\\share', null],
    ['C:/x', null],
    ['', null],
    ['./', null],
    ['a\nb', null],
    ['.hidden/b', null],
    ['a/b/c/d', 'onnx/a/b/c/d'],
    ['a/b/c/d/e', null],
    ['x'.repeat(2000), null],
  ])('%j leads to %j', (name, path) => {
    expect(confined('onnx/', name)).toBe(path);
  });

  test('code and pickles are told by their names, OpenVINO’s weights are neither', () => {
    const names = ['modeling.py', 'a/b.so.1', 'pytorch_model.bin', 'm.xml', 'm.bin', 'x.pkl', 'model.safetensors', 'config.json', 'a.pt2'];
    expect(codeFilesByName(names, new Set(['m.bin']))).toEqual(['modeling.py', 'a/b.so.1', 'pytorch_model.bin', 'x.pkl']);
    expect(codeFilesByName(['m.xml', 'm.bin'])).toEqual(['m.bin']);
  });
});

describe('sentence-transformers', () => {
  const read = (contents: Contents) => readSentenceTransformer(folderOf(contents));
  const module = (name: string, path: string, type = `sentence_transformers.models.${name}`) => ({ idx: 0, name, path, type });
  const folder = {
    'modules.json': [module('Transformer', ''), module('Pooling', '1_Pooling'), module('Normalize', '2_Normalize')],
    '1_Pooling/config.json': { word_embedding_dimension: 384, pooling_mode_cls_token: false, pooling_mode_mean_tokens: true },
    'sentence_bert_config.json': { max_seq_length: 256, do_lower_case: false },
    'config_sentence_transformers.json': { prompts: { query: 'query: ', document: '' }, similarity_fn_name: 'cosine' },
    'config.json': { architectures: ['BertModel'] },
  };

  test('tells its modules, pooling, length and prompts', () => {
    expect(read(folder)).toEqual({
      kind: 'embedding',
      pooling: 'mean',
      normalizes: true,
      maxTokens: 256,
      dimensions: 384,
      prompts: ['query', 'document'],
      modules: ['Transformer', 'Pooling', 'Normalize'],
      codeFiles: [],
      folders: ['1_Pooling/', '2_Normalize/'],
      missing: [],
      damage: null,
    });
  });

  test.each([
    ['cls', { pooling_mode_cls_token: true }, 'cls'],
    ['last token', { pooling_mode_lasttoken: true }, 'lasttoken'],
    ['two', { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true }, 'mean+max'],
    ['as version 5 writes it', { pooling_mode: 'mean', embedding_dimension: 12 }, 'mean'],
    ['none', {}, null],
  ])('pooling: %s', (_what, config, pooling) => {
    expect(read({ ...folder, '1_Pooling/config.json': config })?.pooling).toBe(pooling);
  });

  test('modules of somebody else are code, and so is an activation that is not of torch', () => {
    expect(read({ ...folder, 'modules.json': [module('X', '', 'custom_st.Transformer')] })?.codeFiles).toEqual(['modules.json']);
    expect(read({ ...folder, 'modules.json': [module('X', '', 'sentence_transformers_evil.X')] })?.codeFiles).toEqual(['modules.json']);
    const cross = { architectures: ['BertForSequenceClassification'], sbert_ce_default_activation_function: 'os.system' };
    expect(read({ 'config.json': cross })).toMatchObject({ kind: 'reranker', codeFiles: ['config.json'] });
    const plain = { ...cross, sbert_ce_default_activation_function: 'torch.nn.modules.linear.Identity' };
    expect(read({ 'config.json': plain })).toMatchObject({ kind: 'reranker', codeFiles: [] });
  });

  test('names the settings of a module that are missing, and follows no path out of the folder', () => {
    const { '1_Pooling/config.json': _gone, ...rest } = folder;
    expect(read(rest)?.missing).toEqual(['1_Pooling/config.json']);
    expect(read({ ...folder, 'modules.json': [module('Pooling', '../1_Pooling')] })).toMatchObject({ pooling: null, missing: [] });
  });

  test('other folders are none', () => {
    expect(read({ 'config.json': { architectures: ['LlamaForCausalLM'] } })).toBeNull();
    expect(read({ 'modules.json': '{"not": "a list"}', 'config.json': {} })).toBeNull();
  });
});

describe('an adapter', () => {
  const read = (contents: Contents) => readLora(folderOf(contents));
  const config = {
    peft_type: 'LORA',
    base_model_name_or_path: 'Qwen/Qwen3-8B',
    r: 16,
    target_modules: ['q_proj', 'v_proj'],
    task_type: 'CAUSAL_LM',
  };

  test('names its base, rank and what it changes', () => {
    expect(read({ 'adapter_config.json': config, 'adapter_model.safetensors': weights })).toMatchObject({
      problems: [],
      profile: {
        architecture: 'lora',
        base: 'Qwen/Qwen3-8B',
        parameters: 32,
        weightBytes: 128,
        forms: [{ kind: 'adapter', codeFiles: [], detail: 'LORA, rank 16 on q_proj, v_proj' }],
      },
    });
  });

  test('needs its weights; pickled ones have to be trusted', () => {
    expect(read({ 'adapter_config.json': config })?.problems).toMatchObject([{ kind: 'missing', file: 'adapter_model.safetensors' }]);
    expect(read({ 'adapter_config.json': config, 'adapter_model.safetensors': weights.subarray(0, 100) })?.problems).toMatchObject([
      { kind: 'truncated', expectedBytes: weights.length },
    ]);
    expect(read({ 'adapter_config.json': config, 'adapter_model.bin': checkpoint() })?.profile?.forms[0]?.codeFiles).toEqual([
      'adapter_model.bin',
    ]);
    expect(read({ 'adapter_config.json': 'not JSON', 'adapter_model.bin': 'x' })?.problems).toMatchObject([
      { file: 'adapter_config.json' },
    ]);
  });

  const known = (id: string, ...names: readonly string[]): KnownModel => ({ id, aliases: [], names });
  const owned: KnownModel = { id: 'Qwen3-8B', aliases: ['Qwen/Qwen3-8B'], names: ['/models/Qwen3-8B'] };
  test.each<[string, string | null, readonly KnownModel[], string | null]>([
    ['by its alias', 'Qwen/Qwen3-8B', [known('other'), owned], 'Qwen3-8B'],
    ['by its id, in other letters', 'qwen3-8b', [owned], 'Qwen3-8B'],
    ['by what its files call it', 'Qwen/Qwen3-8B', [known('mine', 'Qwen/Qwen3-8B')], 'mine'],
    ['by the end of a path', '/home/someone/models/Qwen3-8B/', [known('Qwen3-8B')], 'Qwen3-8B'],
    ['by the end of a path of Windows', 'D:\\models\\Qwen3-8B', [known('Qwen3-8B')], 'Qwen3-8B'],
    ['rather by its alias than by the end', 'Qwen/Qwen3-8B', [known('qwen3-8b'), owned], 'Qwen3-8B'],
    ['not by a name that only begins so', 'Qwen/Qwen3-8B', [known('Qwen3-8B-Instruct')], null],
    ['not where two fit as well', 'Qwen/Qwen3-8B', [known('a', 'x/Qwen3-8B'), known('b', 'y/Qwen3-8B')], null],
    ['not where nothing is named', null, [owned], null],
  ])('finds its base %s', (_what, base, models, id) => {
    const verdict = baseOf(base, models);
    expect(verdict.verdict === 'found' ? verdict.id : null).toBe(id);
    if (verdict.verdict === 'needs-base' && base !== null) expect(verdict.sentence).toContain(base);
  });
});

describe('a pipeline of diffusers', () => {
  const read = (contents: Contents) => readDiffusers(folderOf(contents));
  const index = {
    _class_name: 'StableDiffusionPipeline',
    _diffusers_version: '0.31.0',
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
    scheduler: ['diffusers', 'PNDMScheduler'],
    safety_checker: [null, null],
    requires_safety_checker: true,
  };
  const folder = {
    'model_index.json': index,
    'unet/config.json': {},
    'unet/diffusion_pytorch_model.safetensors': weights,
    'unet/diffusion_pytorch_model.fp16.safetensors': weights,
    'unet/diffusion_pytorch_model.bin': checkpoint(),
    'vae/config.json': {},
    'vae/diffusion_pytorch_model.safetensors': weights,
    'scheduler/scheduler_config.json': {},
  };

  test('tells its parts; of each the plain safetensors count', () => {
    expect(read(folder)).toMatchObject({
      problems: [],
      profile: {
        architecture: 'StableDiffusionPipeline',
        parameters: 64,
        weightBytes: 256,
        forms: [{ kind: 'diffusers', codeFiles: [], detail: 'pipeline of unet, vae, scheduler' }],
      },
    });
  });

  test('names a part that is missing, or lacks its weights', () => {
    const { 'scheduler/scheduler_config.json': _one, 'vae/diffusion_pytorch_model.safetensors': _two, ...rest } = folder;
    const found = read({ ...rest, 'vae/config.json': {} })!;
    expect(found.problems.map(({ message }) => message)).toEqual([
      'vae/: its weights are not there yet',
      'scheduler/: this part of the pipeline is not there yet',
    ]);
    expect(read({ ...folder, 'vae/diffusion_pytorch_model.safetensors': weights.subarray(0, 99) })?.problems).toMatchObject([
      { kind: 'truncated', file: 'vae/diffusion_pytorch_model.safetensors' },
    ]);
  });

  test.each<[string, Contents, readonly string[]]>([
    [
      'a pipeline of its own',
      { 'model_index.json': { ...index, _class_name: ['my_pipeline', 'MyPipeline'] }, 'my_pipeline.py': 'x' },
      ['model_index.json', 'my_pipeline.py'],
    ],
    [
      'a part of its own',
      { 'model_index.json': { ...index, unet: ['my_unet', 'MyUNet'] }, 'unet/my_unet.py': 'x' },
      ['model_index.json', 'unet/my_unet.py'],
    ],
  ])('%s is code', (_what, more, codeFiles) => {
    expect(read({ ...folder, ...more })?.profile?.forms[0]?.codeFiles).toEqual(codeFiles);
  });

  test('a part that only lies there pickled has to be trusted, and no part lies outside', () => {
    const { 'unet/diffusion_pytorch_model.safetensors': _one, 'unet/diffusion_pytorch_model.fp16.safetensors': _two, ...rest } = folder;
    expect(read(rest)?.profile).toMatchObject({ parameters: null, forms: [{ codeFiles: ['unet/diffusion_pytorch_model.bin'] }] });
    expect(read({ ...folder, 'model_index.json': { ...index, '../x': ['diffusers', 'X'] } })?.problems).toMatchObject([
      { kind: 'damaged' },
    ]);
  });
});

describe('timm and Mistral', () => {
  const timm = {
    architecture: 'vit_base_patch16_224',
    num_classes: 1000,
    num_features: 768,
    pretrained_cfg: { input_size: [3, 224, 224] },
  };
  test('a timm folder is a vision model with its input', () => {
    const found = readTimm(folderOf({ 'config.json': timm, 'model.safetensors': weights, 'pytorch_model.bin': checkpoint() }))!;
    expect(found).toMatchObject({
      problems: [],
      profile: {
        kind: 'vision',
        architecture: 'vit_base_patch16_224',
        parameters: 32,
        embeddingLength: 768,
        forms: [{ kind: 'timm', files: ['config.json', 'model.safetensors'], codeFiles: [], detail: 'timm, 1000 classes' }],
      },
    });
    expect(found.profile?.forms[0]?.inputs).toEqual([{ name: 'image', type: 'float32', shape: ['batch', 3, 224, 224] }]);
    expect(readTimm(folderOf({ 'config.json': { ...timm, num_classes: 0 }, 'pytorch_model.bin': checkpoint() }))?.profile).toMatchObject({
      kind: 'embedding',
      forms: [{ codeFiles: ['pytorch_model.bin'] }],
    });
    expect(readTimm(folderOf({ 'config.json': timm }))?.problems).toMatchObject([{ kind: 'missing', file: 'model.safetensors' }]);
    expect(readTimm(folderOf({ 'config.json': { model_type: 'vit', architecture: 'x', pretrained_cfg: {} } }))).toBeNull();
  });

  const params = { dim: 4096, n_layers: 4, head_dim: 128, hidden_dim: 14336, n_heads: 32, n_kv_heads: 8, vocab_size: 131072 };
  test('a Mistral folder tells its layers and what its cache takes', () => {
    const folder = { 'params.json': params, 'consolidated.safetensors': weights, 'tekken.json': {} };
    expect(readMistral(folderOf(folder))).toMatchObject({
      problems: [],
      profile: {
        kind: 'chat',
        layers: 4,
        kvHeads: 8,
        tokenizer: 'tekken.json',
        hasChatTemplate: true,
        kv: { bytesPerToken: 4 * 8 * 128 * 2 * 2, exact: true, groups: [{ kind: 'full', layers: 4, windowTokens: null }] },
        forms: [{ kind: 'mistral', files: ['params.json', 'consolidated.safetensors', 'tekken.json'] }],
      },
    });
    const windows = { ...params, sliding_window: [null, 1024] };
    expect(
      readMistral(folderOf({ ...folder, 'params.json': windows }))?.profile?.kv?.groups.map(({ kind, layers }) => [kind, layers]),
    ).toEqual([
      ['full', 2],
      ['sliding', 2],
    ]);
    expect(readMistral(folderOf({ ...folder, 'params.json': { ...params, vision_encoder: {} } }))?.profile?.kind).toBe('vision-language');
  });

  test('a Mistral folder names what it lacks', () => {
    expect(readMistral(folderOf({ 'params.json': params, 'consolidated.safetensors': weights }))?.problems).toMatchObject([
      { file: 'tekken.json' },
    ]);
    const shard = (no: number): string => `consolidated-0000${no}-of-00002.safetensors`;
    const index = { weight_map: { a: shard(1), b: shard(2) } };
    const found = readMistral(
      folderOf({ 'params.json': params, 'tekken.json': {}, [shard(1)]: weights, 'consolidated.safetensors.index.json': index }),
    );
    expect(found?.problems).toMatchObject([{ kind: 'missing', file: shard(2) }]);
    const stray = { weight_map: { a: shard(1), b: shard(2), c: '../../etc/passwd' } };
    const led = readMistral(
      folderOf({ 'params.json': params, 'tekken.json': {}, [shard(1)]: weights, 'consolidated.safetensors.index.json': stray }),
    );
    expect(led?.problems.at(-1)).toMatchObject({ kind: 'damaged', message: expect.stringContaining('outside the folder') });
    const many = readMistral(folderOf({ 'params.json': params, 'tekken.json': {}, 'consolidated-00001-of-99999.safetensors': weights }));
    expect(many?.problems).toMatchObject([{ kind: 'damaged', message: expect.stringContaining('one of 99999 parts') }]);
    expect(readMistral(folderOf({ 'params.json': params }))).toBeNull();
  });
});

test('what several forms would need is said once', () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4000\n';
  const folder = { 'adapter_config.json': { peft_type: 'LORA', base_model_name_or_path: 'a/b' }, 'adapter_model.safetensors': pointer };
  const { missing, profile } = analyzeCandidate(folderOf(folder), false);
  expect(missing).toEqual(['adapter_model.safetensors: only a Git-LFS pointer (run "git lfs pull")']);
  expect(profile?.problems).toHaveLength(1);
});

describe('what nothing here serves', () => {
  test.each<[string, Contents, string]>([
    ['SavedModel', { 'saved_model.pb': 'x', 'variables/variables.index': 'x' }, 'tf2onnx'],
    ['TensorFlow Lite', { 'a.tflite': '\u001c\u0000\u0000\u0000TFL3....' }, 'tf2onnx'],
    ['Core ML', { 'a.mlpackage/Manifest.json': {} }, 'ONNX'],
    ['old GGML', { 'model.bin': 'lmgg....' }, 'GGUF'],
    [
      'sentence-transformers of long ago',
      { 'modules.json': [], '0_Transformer/config.json': {}, '0_Transformer/pytorch_model.bin': checkpoint() },
      'newer version of sentence-transformers',
    ],
    ['Keras', { 'a.keras': 'x' }, 'tf2onnx'],
  ])('%s is named, with what would be', (_what, contents, words) => {
    const profile = readNotServable(folderOf(contents))?.profile;
    expect(profile?.forms).toMatchObject([{ kind: 'unknown', codeFiles: [] }]);
    expect(profile?.notes[0]).toContain('no runtime of Modelium serves');
    expect(profile?.notes[0]).toContain(words);
  });

  test('beside something that is served nothing is said', () => {
    expect(readNotServable(folderOf({ 'saved_model.pb': 'x', 'model.onnx': 'x' }))).toBeNull();
    expect(readNotServable(folderOf({ 'notes.txt': 'x', 'a.tflite': 'not really' }))).toBeNull();
  });
});
