/**
 * The table of the format readers, one file for each format. `candidate.ts` tries them in order:
 * the first match describes the model, later matches add forms. To add a format, write its reader
 * (pure, over a bounded source, throws nothing) and add its line here.
 */

import { readDiffusers } from './diffusers-folder.ts';
import type { CandidateFile, FormReader } from './findings.ts';
import { readGgufs } from './gguf-folder.ts';
import { readHuggingface } from './huggingface-folder.ts';
import { readLora } from './lora-folder.ts';
import { readMistral } from './mistral-folder.ts';
import { readNotServable } from './not-servable.ts';
import { readOnnxFiles } from './onnx-folder.ts';
import { readOpenVinoPairs } from './openvino-folder.ts';
import { readTensorRtFiles } from './tensorrt.ts';
import { readTimm } from './timm-folder.ts';
import { readTorchFiles } from './torch-folder.ts';
import { readTriton } from './triton-folder.ts';

/** What lies in a version folder of Triton is Triton's to describe. */
function outsideVersions({ path }: CandidateFile): boolean {
  return !/^[1-9]\d{0,8}\//.test(path);
}

export interface RankedReader extends FormReader {
  /**
   * How gladly a form of it is used beside others. While a form of a lower number or the same is on
   * its way, a whole one waits for it; those of a higher number are passed over: nobody would use
   * them.
   */
  readonly rank: number;
}

export const FORM_READERS: readonly RankedReader[] = [
  { name: 'GGUF', rank: 0, claims: /\.gguf$/i, read: readGgufs },
  { name: 'Hugging Face', rank: 0, claims: /\.safetensors$|(?:^|\/)config\.json$/i, read: readHuggingface },
  { name: 'Mistral', rank: 0, claims: /^(?:params\.json|tekken\.json|consolidated[\w.-]*\.safetensors)$/, read: readMistral },
  { name: 'lora', rank: 0, claims: /^adapter_(?:config\.json|model\.(?:safetensors|bin))$/, read: readLora },
  { name: 'diffusers', rank: 0, claims: /^model_index\.json$|^[\w-]+\/[^/]+\.safetensors$/, read: readDiffusers },
  { name: 'timm', rank: 0, claims: /^(?:config\.json|model\.safetensors)$/, read: readTimm },
  { name: 'Triton', rank: 0, claims: /(?:^|\/)config\.pbtxt$|^[1-9]\d{0,8}\//, read: readTriton },
  { name: 'ONNX', rank: 1, claims: /\.onnx(?:[_.]data)?$/i, read: (files) => readOnnxFiles(files.filter(outsideVersions)) },
  { name: 'TensorRT', rank: 1, claims: /\.(?:plan|engine|trt)$/i, read: readTensorRtFiles },
  { name: 'OpenVINO', rank: 1, claims: /\.xml$/i, read: (files) => readOpenVinoPairs(files.filter(outsideVersions)) },
  { name: 'PyTorch', rank: 2, claims: /\.(?:pt|pth|pt2|ckpt|jit|torchscript)$/i, read: readTorchFiles },
  { name: 'forms that nothing here serves', rank: 9, claims: /(?!)/, read: readNotServable },
];
