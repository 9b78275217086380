import { describe, expect, test } from 'vitest';
import { readDiffusers } from '../../../main/core/analyzer/diffusers-folder.ts';
import { openVinoWeights } from '../../../main/core/analyzer/openvino-folder.ts';
import { readTriton } from '../../../main/core/analyzer/triton-folder.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { openVinoXml } from './synthetic-plans.ts';
import { checkpoint } from './synthetic-zip.ts';

/** The two files of an OpenVINO model, the second one as long as the first asks for. */
const xml = openVinoXml();
const bin = new Uint8Array(100_000).fill(1);

describe('a .bin beside an .xml', () => {
  const pipeline = { _class_name: 'X', unet: ['diffusers', 'UNet2DConditionModel'] };
  const codeOf = (contents: Contents) =>
    readDiffusers(folderOf({ 'model_index.json': pipeline, ...contents }))?.profile?.forms[0]?.codeFiles;

  test('is plain weights only where the pair is a model of OpenVINO', () => {
    expect(openVinoWeights(folderOf({ 'a.xml': xml, 'a.bin': bin }))).toEqual(new Set(['a.bin']));
    expect(openVinoWeights(folderOf({ 'a.xml': xml, 'a.bin': bin.subarray(0, 1) }))).toEqual(new Set());
    expect(openVinoWeights(folderOf({ 'a.xml': '', 'a.bin': bin }))).toEqual(new Set());
    expect(codeOf({ 'unet/openvino_model.xml': xml, 'unet/openvino_model.bin': bin })).toEqual([]);
    expect(codeOf({ 'unet/openvino_model.xml': '', 'unet/openvino_model.bin': checkpoint() })).toEqual(['unet/openvino_model.bin']);
    expect(readTriton(folderOf({ '1/model.xml': xml, '1/model.bin': bin }))?.profile?.forms[0]?.codeFiles).toEqual([]);
  });

  test('that PyTorch would unpickle by its name has to be trusted all the same', () => {
    for (const beside of ['', xml]) {
      const contents = { 'unet/diffusion_pytorch_model.bin': bin, 'unet/diffusion_pytorch_model.xml': beside };
      expect(codeOf(contents)).toEqual(['unet/diffusion_pytorch_model.bin']);
    }
  });
});
