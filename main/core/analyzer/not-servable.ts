/**
 * Recognises model formats that no runtime of Modelium serves, by name and first bytes, and names a
 * format that would be served. Pure.
 */
import type { CandidateFile, FormatFindings } from './findings.ts';
import { findings, plainProfile, sumBytes } from './plain-profile.ts';

interface Unserved {
  readonly what: string;
  readonly name: RegExp;
  /** What a file of that name has to begin with, where the name is not enough. */
  readonly begins?: { readonly at: number; readonly text: string };
  readonly instead: string;
}

const GGUF_INSTEAD = 'Convert it to GGUF with convert-hf-to-gguf, or get the same model as GGUF';
const UNSERVED: readonly Unserved[] = [
  { what: 'a TensorFlow SavedModel', name: /(?:^|\/)saved_model\.pb(?:txt)?$/, instead: 'Convert it to ONNX with tf2onnx' },
  {
    what: 'a TensorFlow Lite model',
    name: /\.(?:tflite|lite)$/i,
    begins: { at: 4, text: 'TFL3' },
    instead: 'Convert it to ONNX with tf2onnx',
  },
  { what: 'a Core ML model', name: /\.mlmodel$|\.mlpackage\//i, instead: 'Export the original to ONNX or safetensors' },
  { what: 'a Keras model', name: /\.(?:keras|h5|hdf5)$/i, instead: 'Export it to ONNX with tf2onnx' },
  {
    what: 'a checkpoint of TensorFlow',
    name: /\.ckpt\.(?:index|meta|data-\d{5}-of-\d{5})$/i,
    instead: 'Get the same model as safetensors',
  },
  { what: 'weights of Flax', name: /(?:^|\/)flax_model(?:-\d{5}-of-\d{5})?\.msgpack$/i, instead: 'Get the same model as safetensors' },
  { what: 'a GGML file from before GGUF', name: /ggml[\w.-]*\.bin$|\.ggml$|\.ggjt$/i, instead: GGUF_INSTEAD },
  ...['lmgg', 'fmgg', 'tjgg'].map((text) => ({
    what: 'a GGML file from before GGUF',
    name: /\.bin$/i,
    begins: { at: 0, text },
    instead: GGUF_INSTEAD,
  })),
  { what: 'a model of Paddle', name: /\.(?:pdmodel|pdiparams)$/i, instead: 'Convert it to ONNX with paddle2onnx' },
  { what: 'a model of NeMo', name: /\.nemo$/i, instead: 'Export it to ONNX, or get the same model as safetensors' },
  { what: 'a llamafile', name: /\.llamafile$/i, instead: 'Take the GGUF out of it: it is an archive' },
  { what: 'a model of ncnn or MNN', name: /\.(?:ncnn\.param|mnn)$/i, instead: 'Get the original as ONNX' },
  { what: 'a model of scikit-learn', name: /\.(?:joblib|skops)$/i, instead: 'Convert it to ONNX with skl2onnx' },
];
/** Their transformer lies in a folder of its own, where nothing else looks for one. */
const OLDER_SENTENCE = /^0_\w+\/config\.json$/;
const OLDER = {
  what: 'a folder of sentence-transformers before version 2',
  instead: 'Load and save it once with a newer version of sentence-transformers',
};
/** Where one of these lies beside it, that one is what the folder is about. */
const SERVED = /\.(?:gguf|safetensors|onnx|plan|engine|pt|pth|pt2)$|(?:^|\/)config\.pbtxt$|(?:^|\/)pytorch_model[\w.-]*\.bin$/i;

/** Null when there is something that can be served, or nothing known. */
export function readNotServable(files: readonly CandidateFile[]): FormatFindings | null {
  const paths = new Set(files.map(({ path }) => path));
  const older = files.filter(({ path }) => OLDER_SENTENCE.test(path));
  if (older.length > 0 && paths.has('modules.json') && !paths.has('config.json')) return unserved(OLDER, older);
  if (files.some(({ path }) => SERVED.test(path))) return null;
  for (const form of UNSERVED) {
    const { name, begins } = form;
    const own = files.filter((file) => name.test(file.path) && (begins === undefined || hasText(file, begins.at, begins.text)));
    if (own.length > 0) return unserved(form, own);
  }
  return null;
}

function unserved({ what, instead }: Pick<Unserved, 'what' | 'instead'>, own: readonly CandidateFile[]): FormatFindings {
  const notes = [`It is ${what}, which no runtime of Modelium serves. ${instead}, and drop that.`];
  const form = { kind: 'unknown' as const, files: own.map(({ path }) => path), codeFiles: [], detail: what };
  return findings({ profile: plainProfile({ weightBytes: sumBytes(own), forms: [form], notes }) });
}

function hasText(file: CandidateFile, at: number, text: string): boolean {
  if (file.bytes < at + text.length) return false;
  return String.fromCharCode(...file.open().read(at, text.length)) === text;
}
