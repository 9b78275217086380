/**
 * Identifies PyTorch files (`.pt`, `.pth`, `.pt2`, `.bin`, `.ckpt`) by their first bytes and zip
 * directory. It never unpickles and never decompresses. Pure and bounded (I7).
 */
import type { ByteSource } from './bytes.ts';
import { damaged, FormatError } from './bytes.ts';
import type { CandidateFile } from './findings.ts';
import { hasHole } from './holes.ts';
import { zeroTails } from './zero-tails.ts';
import { beginsAsZip, LOCAL_HEADER_BYTES, readZip, type ZipEntry } from './zip.ts';

/**
 * `torchscript`: code and weights. `torch-export`: an exported program (`.pt2`). `pickle`: a
 * checkpoint, of which nobody knows what loading it runs. `other`: something else; `what` says so.
 */
export type TorchArchiveKind = 'torchscript' | 'torch-export' | 'pickle' | 'other';

export interface TorchArchive {
  readonly kind: TorchArchiveKind;
  /** For people: `a TorchScript archive`, `a checkpoint of PyTorch before 1.6`. */
  readonly what: string;
  /** Bytes of the tensors where the directory tells them, else null. */
  readonly weightBytes: number | null;
  /** Would loading it execute code or unpickle? */
  readonly carriesCode: boolean;
  /** Of a zip: what lies in it as it is, with its place. */
  readonly stored: readonly ZipEntry[];
}

/**
 * The first bytes of checkpoints before PyTorch 1.6: a pickle that begins with PyTorch's own
 * number.
 */
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PICKLE_START = 0x80;
/** STOP, the last operation of each. */
const PICKLE_END = 0x2e;
const MAX_PICKLE_PROTOCOL = 5;
const HDF5 = [0x89, 0x48, 0x44, 0x46];

/**
 * @throws FormatError `truncated` where the archive's end is not there, `damaged` when no further
 * byte could make it right.
 */
export function readTorchArchive(source: ByteSource): TorchArchive {
  if (beginsAsZip(source)) {
    const entries = readZip(source);
    return { ...zipKind(entries), stored: entries.filter(({ isStored }) => isStored) };
  }
  const start = source.read(0, Math.min(16, source.bytes));
  const matches = (bytes: readonly number[], at: number): boolean => bytes.every((byte, index) => start[at + index] === byte);
  const legacy = { kind: 'pickle', weightBytes: null, carriesCode: true, stored: [] } as const;
  if (start[0] === PICKLE_START && (start[1] ?? 255) <= MAX_PICKLE_PROTOCOL) {
    // Its weights lie behind the pickles, and only unpickling tells how many: that one of them is
    // cut nobody sees from outside.
    if (matches(LEGACY_MAGIC, 2)) return { ...legacy, what: 'a checkpoint of PyTorch before 1.6' };
    if (source.read(source.bytes - 1, 1)[0] !== PICKLE_END) throw new FormatError('truncated', 'the end of the pickle is not there');
    return { ...legacy, what: 'a pickle' };
  }
  const other = { kind: 'other', weightBytes: null, carriesCode: false, stored: [] } as const;
  if (matches(HDF5, 0)) return { ...other, what: 'an HDF5 file (Keras)' };
  const word = String.fromCharCode(...start.subarray(0, 4));
  if (['lmgg', 'ggml', 'fmgg', 'tjgg'].includes(word)) return { ...other, what: 'a GGML file from before GGUF' };
  throw damaged('it is neither an archive nor a pickle of PyTorch');
}

function zipKind(entries: readonly ZipEntry[]): Omit<TorchArchive, 'stored'> {
  const names = entries.map(({ name }) => name);
  // Everything lies in one folder named after the file, in newer exports too.
  const root = names[0]?.includes('/') ? `${names[0].slice(0, names[0].indexOf('/'))}/` : '';
  const has = (name: string): boolean => names.includes(root + name) || names.includes(name);
  const hasUnder = (folder: string): boolean => names.some((name) => name.startsWith(root + folder) || name.startsWith(folder));
  if (isExported(has, hasUnder)) return exported(entries);
  if (has('constants.pkl') && hasUnder('code/')) {
    const weightBytes = bytesUnder(entries, [`${root}data/`, `${root}constants/`]);
    return { kind: 'torchscript', what: 'a TorchScript archive', weightBytes, carriesCode: true };
  }
  if (has('data.pkl')) {
    return { kind: 'pickle', what: 'a pickled PyTorch checkpoint', weightBytes: bytesUnder(entries, [`${root}data/`]), carriesCode: true };
  }
  if (names.some((name) => /\.pkl$/i.test(name)))
    return { kind: 'pickle', what: 'an archive of pickles', weightBytes: null, carriesCode: true };
  return { kind: 'other', what: otherZip(names), weightBytes: null, carriesCode: false };
}

function isExported(has: (name: string) => boolean, hasUnder: (folder: string) => boolean): boolean {
  return (has('archive_format') && (hasUnder('models/') || hasUnder('data/'))) || has('serialized_exported_program.json');
}

/**
 * Weights lie under `data/weights` (or, before PyTorch 2.7, as pickles at the top); a compiled
 * model brings libraries.
 */
function exported(entries: readonly ZipEntry[]): Omit<TorchArchive, 'stored'> {
  const weights = entries.filter(({ name }) =>
    /(?:^|\/)data\/(?:weights|constants)\/|(?:^|\/)serialized_(?:state_dict|constants)\.\w+$/.test(name),
  );
  const carriesCode = entries.some(({ name }) => /\.(?:pt|pkl|so|o|cpp|py|cubin|dll|pyd|dylib)$/i.test(name));
  const isCompiled = entries.some(({ name }) => /\.(?:so|dll|dylib)$/i.test(name));
  const what = isCompiled ? 'a compiled PyTorch program (AOTInductor)' : 'an exported PyTorch program';
  return { kind: 'torch-export', what, weightBytes: weights.reduce((sum, { bytes }) => sum + bytes, 0), carriesCode };
}

function bytesUnder(entries: readonly ZipEntry[], folders: readonly string[]): number {
  return entries.reduce((sum, entry) => sum + (folders.some((folder) => entry.name.startsWith(folder)) ? entry.bytes : 0), 0);
}

function otherZip(names: readonly string[]): string {
  if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) return 'an archive of NumPy arrays';
  if (names.includes('model.weights.h5')) return 'a Keras model';
  return 'a zip archive that holds no model of PyTorch';
}

/**
 * Weights in it that have not arrived, as `file: entry`; of one without a directory the file
 * itself.
 */
export function archiveTails({ path, bytes, open }: CandidateFile, { stored, kind }: TorchArchive, files = 1): readonly string[] {
  const source = open();
  if (stored.length > 0) {
    // The name and what pads the weights stand between: they lie a little behind, and as much is
    // left out at their end.
    const begins = stored.map(({ name, offset, bytes: length }) => ({ name, offset: offset + LOCAL_HEADER_BYTES, bytes: length }));
    return zeroTails(path, source, begins, files);
  }
  return kind === 'pickle' && hasHole(source, 0, bytes) ? [`${path}: its end`] : [];
}
