/**
 * Reads serialised TensorRT engines: opaque programs for one TensorRT version and one kind of GPU.
 * Their header is not documented; only the magic bytes and, in known versions, the length are used.
 * Pure and bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, type ByteSource, damaged, FormatError, HeaderReader } from './bytes.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isTruncated } from './findings.ts';
import { hasHole } from './holes.ts';
import { findings, isBlank, plainProfile, sumBytes } from './plain-profile.ts';

export interface TensorRtPlan {
  /** Of the serialised format; not TensorRT's own version. */
  readonly formatVersion: number;
  /** Bytes that the file must have, where the version is one whose length is known. */
  readonly fileBytes: number | null;
}

const HEADER_BYTES = 24;
const MAX_FILE_BYTES = 2 ** 46;
/**
 * Exporters (Ultralytics) put a description as JSON before the engine: its length, then the text.
 */
const MAX_PREFIX_BYTES = 1024 * 1024;
const MAGICS = ['ptrt', 'ftrt'];
/** Versions of the format whose length stands after a word, or right behind. */
const LENGTH_AFTER_WORD: ReadonlySet<number> = new Set([0x00, 0x2b]);
const LENGTH_AT_ONCE: ReadonlySet<number> = new Set([0x57, 0x59, 0x60, 0x61]);

/**
 * @throws FormatError `truncated` while its header is not all there, `damaged` when it is no
 * engine.
 */
export function readTensorRtPlan(source: ByteSource): TensorRtPlan {
  const start = engineStart(source);
  const reader = new HeaderReader(source, { headerBytes: MAX_FILE_BYTES, keptBytes: 64, steps: 16, fetchedBytes: 131_072 }, start);
  const magic = reader.text(4);
  if (!MAGICS.includes(magic)) throw damaged('it does not begin as an engine of TensorRT does');
  const formatVersion = reader.u32();
  reader.skip(LENGTH_AFTER_WORD.has(formatVersion) ? 8 : 4);
  const length = reader.u64();
  const isKnown = LENGTH_AFTER_WORD.has(formatVersion) || LENGTH_AT_ONCE.has(formatVersion);
  return { formatVersion, fileBytes: isKnown && length <= MAX_FILE_BYTES ? start + HEADER_BYTES + length : null };
}

function engineStart(source: ByteSource): number {
  const reader = new HeaderReader(source, { headerBytes: 16, keptBytes: 16, steps: 8 });
  const prefix = reader.u32();
  const next = reader.u8();
  return prefix > 0 && prefix <= MAX_PREFIX_BYTES && next === 0x7b ? 4 + prefix : 0;
}

/** All engines at the top of a candidate. Null when there is none. */
export function readTensorRtFiles(files: readonly CandidateFile[]): FormatFindings | null {
  const own = files.filter(({ path }) => /^[^/]+\.(?:plan|engine|trt)$/i.test(path));
  if (own.length === 0) return null;
  const problems: FileProblem[] = [];
  const expected = new Map<string, number | null>();
  const sound: CandidateFile[] = [];
  const zeroTails: string[] = [];
  for (const file of own) {
    const source = file.open();
    const plan = attempt(() => readTensorRtPlan(source));
    if (!(plan instanceof FormatError)) {
      sound.push(file);
      expected.set(file.path, plan.fileBytes ?? file.bytes);
      if (plan.fileBytes !== null && plan.fileBytes > file.bytes) problems.push(isTruncated(file.path, file.bytes, plan.fileBytes));
      else if (hasHole(source, HEADER_BYTES, plan.fileBytes ?? file.bytes)) zeroTails.push(`${file.path}: the engine`);
      continue;
    }
    const isStillArriving = plan.fault === 'truncated' || isBlank(source);
    expected.set(file.path, isStillArriving ? null : file.bytes);
    const sentence = `${file.path} is not a TensorRT engine that can be read: ${plan.message}.`;
    problems.push(isStillArriving ? isTruncated(file.path, file.bytes, null) : isDamaged(file.path, file.bytes, sentence));
  }
  const paths = sound.map(({ path }) => path);
  const needs = 'It runs only with the version of TensorRT and on the kind of GPU that it was built for.';
  const form = { kind: 'tensorrt' as const, files: paths, codeFiles: paths, detail: 'TensorRT engine' };
  const profile =
    paths.length === 0 ? null : plainProfile({ architecture: 'tensorrt', weightBytes: sumBytes(sound), forms: [form], notes: [needs] });
  return findings({ expected, problems, zeroTails, profile });
}
