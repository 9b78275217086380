/**
 * Reads PyTorch files at the top of a candidate: distinguishes TorchScript, exported programs and
 * checkpoints, without unpickling. Several of one kind are several models: the first by name is
 * described, the others are named. Pure and bounded (I7).
 */
import type { FileProblem, FormKind, ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isTruncated } from './findings.ts';
import { findings, isBlank, plainProfile } from './plain-profile.ts';
import { archiveTails, readTorchArchive, type TorchArchive, type TorchArchiveKind } from './torch-archive.ts';

const TORCH_FILE = /\.(?:pt|pth|pt2|ckpt|jit|torchscript)$/i;
const MAYBE_TORCH_FILE = /\.bin$/i;
/** What trainers leave beside a model. */
const LEFTOVERS = /^(?:optimizer|scheduler|scaler|rng_state\w*|training_args)\.(?:pt|pth|bin)$/i;
/** Descriptions whose reader counts the checkpoints beside them as its own weights. */
const DESCRIBED = ['config.json', 'adapter_config.json', 'model_index.json', 'config.pbtxt'];
/** The form that is served most gladly first. */
const FORMS: Readonly<Partial<Record<TorchArchiveKind, FormKind>>> = {
  torchscript: 'torchscript',
  'torch-export': 'torch-export',
  pickle: 'pickle',
};

interface TorchFile {
  readonly file: CandidateFile;
  readonly archive: TorchArchive;
}

/** Null when there is none. */
export function readTorchFiles(files: readonly CandidateFile[]): FormatFindings | null {
  const top = files.filter(({ path }) => !path.includes('/') && !LEFTOVERS.test(path));
  const names = new Set(top.map(({ path }) => path));
  const isDescribed = DESCRIBED.some((name) => names.has(name));
  const own = top.filter(({ path }) => isOwn(path, names, isDescribed));
  const problems: FileProblem[] = [];
  const expected = new Map<string, number | null>();
  const sound: TorchFile[] = [];
  for (const file of own) {
    const source = file.open();
    const archive = attempt(() => readTorchArchive(source));
    const isPlainBin = MAYBE_TORCH_FILE.test(file.path);
    if (archive instanceof FormatError) {
      // Anything may be called `.bin`: only what begins like PyTorch's is taken for it.
      const isStillArriving = archive.fault === 'truncated' || isBlank(source);
      if (isPlainBin && archive.fault === 'damaged') continue;
      expected.set(file.path, isStillArriving ? null : file.bytes);
      problems.push(isStillArriving ? isTruncated(file.path, file.bytes, null) : isDamaged(file.path, file.bytes, damageOf(file, archive)));
    } else if (archive.kind !== 'other' || !isPlainBin) {
      expected.set(file.path, file.bytes);
      sound.push({ file, archive });
    }
  }
  if (expected.size === 0) return null;
  // A damaged one beside a sound one is no verdict on the folder; one that is still coming is no
  // reason against the one that is there.
  const blocking = sound.length > 0 ? problems.filter(({ kind }) => kind !== 'damaged') : problems;
  const besides = new Set(sound.length > 0 ? blocking : []);
  const zeroTails = sound.flatMap(({ file, archive }) => archiveTails(file, archive));
  return findings({ expected, problems: blocking, besides, zeroTails, profile: sound.length > 0 ? profileOf(sound) : null });
}

function isOwn(path: string, names: ReadonlySet<string>, isDescribed: boolean): boolean {
  if (/\.pt2$/i.test(path)) return true;
  if (isDescribed) return false;
  if (TORCH_FILE.test(path)) return true;
  // The weights of an OpenVINO pair.
  return MAYBE_TORCH_FILE.test(path) && !names.has(path.replace(/bin$/i, 'xml'));
}

function damageOf({ path }: CandidateFile, { message }: FormatError): string {
  return `${path} is not a PyTorch file that can be read: ${message}.`;
}

function profileOf(sound: readonly TorchFile[]): ModelProfile {
  const forms: ModelForm[] = [];
  const notes: string[] = [];
  const used: TorchFile[] = [];
  for (const [kind, form] of Object.entries(FORMS)) {
    const [first, ...others] = sound.filter(({ archive }) => archive.kind === kind);
    if (first === undefined || form === undefined) continue;
    const { file, archive } = first;
    forms.push({ kind: form, files: [file.path], codeFiles: archive.carriesCode ? [file.path] : [], detail: archive.what });
    used.push(first);
    for (const other of others) notes.push(`Also in the folder, and not used: ${other.file.path} (${other.archive.what}).`);
  }
  for (const { file, archive } of sound) if (archive.kind === 'other') notes.push(`${file.path} is ${archive.what}, which is not served.`);
  const [first] = used.length > 0 ? used : sound;
  if (first?.archive.kind === 'pickle')
    notes.push('A checkpoint holds weights without the program that uses them: export it to TorchScript, ONNX or safetensors.');
  if (used.length === 0) forms.push({ kind: 'unknown', files: sound.map(({ file }) => file.path), codeFiles: [] });
  return plainProfile({ architecture: 'torch', weightBytes: first?.archive.weightBytes ?? first?.file.bytes ?? 0, forms, notes });
}
