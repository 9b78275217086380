/** Described folders of which one used file is cut or blank: none of them is whole. */
import { expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { checkpoint } from './synthetic-zip.ts';

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

test('a cut index of pickles holds the model back', () => {
  expect(faults({ ...bert, 'pytorch_model.bin': whole, 'pytorch_model.bin.index.json': '{"weight_map": {"a' })).toEqual([
    'pytorch_model.bin.index.json',
  ]);
});
