/**
 * Recognises a file that is not a model, by its name and first bytes, and says what its owner may
 * do, because every drop gets a verdict at once. Pure; it unpacks nothing (I7).
 */
import { shellWord } from '../../../shared/visible.ts';
import type { CandidateFile } from './findings.ts';

/** `NAME.part1of2`, `NAME.gguf.00001`, `NAME.split-aa`: pieces that a person joins. */
const PIECE =
  /^(?<whole>.+?)(?<joint>\.part\d+of(?<count>\d+)|[.-]split-?(?:[a-z]{1,3}|\d{1,5})|\.part-?(?:[a-z]{2}|\d{1,5})|\.0\d{2,4})$/i;

export interface Piece {
  /** The name of what the pieces make. */
  readonly whole: string;
  /** How many there are, where the name tells. */
  readonly count: number | null;
  /** What a shell takes for all of them. */
  readonly pattern: string;
}

/** Null: it is no piece of another file. */
export function joinable(name: string): Piece | null {
  const groups = PIECE.exec(name)?.groups;
  const whole = groups?.['whole'];
  if (whole === undefined) return null;
  const count = groups?.['count'];
  const joint = groups?.['joint'] ?? '';
  const pattern =
    count === undefined
      ? joint.replace(/[a-z0-9]+$/i, (end) => (/split|part/i.test(end) ? `${end.slice(0, -1)}*` : '*'))
      : `.part*of${count}`;
  return { whole, count: count === undefined ? null : Number(count), pattern: whole + pattern };
}

interface Foreign {
  readonly what: string;
  readonly name: RegExp;
  /** First bytes by which it is known whatever its name, as text of single bytes. */
  readonly begins?: readonly { readonly at: number; readonly text: string }[];
  readonly todo: string;
}

const UNPACK = 'Unpack it, and drop the folder that comes out.';
const NO_MODEL = 'It is not a model, so Modelium ignores it.';
const KINDS: readonly Foreign[] = [
  {
    what: 'a zip archive',
    name: /\.zip$/i,
    begins: [{ at: 0, text: 'PK\x03\x04' }],
    todo: UNPACK,
  },
  {
    what: 'a compressed archive',
    name: /\.(?:tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst|lz4|7z|rar)$/i,
    begins: [
      { at: 0, text: '\x1f\x8b' },
      { at: 0, text: 'BZh' },
      { at: 0, text: '\xfd7zXZ\x00' },
      { at: 0, text: '(\xb5/\xfd' },
      { at: 0, text: '7z\xbc\xaf\x27\x1c' },
      { at: 0, text: 'Rar!' },
      { at: 257, text: 'ustar' },
    ],
    todo: UNPACK,
  },
  {
    what: 'a picture',
    name: /\.(?:png|jpe?g|gif|webp|bmp|tiff?|svg|ico|heic|avif)$/i,
    begins: [
      { at: 0, text: '\x89PNG' },
      { at: 0, text: '\xff\xd8\xff' },
      { at: 0, text: 'GIF8' },
      { at: 8, text: 'WEBP' },
    ],
    todo: NO_MODEL,
  },
  { what: 'a sound or a film', name: /\.(?:mp3|wav|flac|ogg|m4a|mp4|mkv|webm|mov|avi)$/i, todo: NO_MODEL },
  { what: 'a document', name: /\.(?:pdf|docx?|odt|pptx?|xlsx?|epub)$/i, begins: [{ at: 0, text: '%PDF' }], todo: NO_MODEL },
  {
    what: 'a web page',
    name: /\.html?$/i,
    begins: [
      { at: 0, text: '<!DOCTYPE' },
      { at: 0, text: '<html' },
    ],
    todo: `${NO_MODEL} A download that needs a login often ends as one.`,
  },
  {
    what: 'a file of a model',
    name: /^(?:config|generation_config|tokenizer(?:_config)?|special_tokens_map|model_index|params|adapter_config|preprocessor_config|vocab|modules)\.json$|^(?:merges\.txt|chat_template\.jinja|tokenizer\.model)$/i,
    todo: 'It is not a complete model: drop the whole folder that it belongs to.',
  },
  { what: 'a text', name: /\.(?:txt|md|rst|log|csv|jsonl?|ya?ml|toml|ini|sha256|md5|url|torrent|jinja|py|sh|ipynb)$/i, todo: NO_MODEL },
  {
    what: 'a pickle',
    name: /\.(?:pkl|pickle)$/i,
    todo: 'No runtime of Modelium loads it: get the same model as safetensors, GGUF or ONNX.',
  },
  {
    what: 'a file of weights without a description',
    name: /\.(?:bin|ckpt|safetensors)$/i,
    todo: 'It cannot be served by itself: drop the folder that it comes from, with its config.json, or get the same model as GGUF.',
  },
  {
    what: 'a program or an installer',
    name: /\.(?:exe|dll|msi|deb|rpm|appimage|dmg|iso|so|jar|whl)$/i,
    begins: [{ at: 0, text: '\x7fELF' }],
    todo: NO_MODEL,
  },
];

/** Bytes by which a file is known. */
const MOST_BYTES = 512;

/** A loose file in a sentence or two: what it is, and what to do. */
export function foreignWords(file: CandidateFile): string {
  const { path, bytes } = file;
  const piece = joinable(path);
  if (piece !== null) {
    const parts = piece.count === null ? 'one of the pieces' : `one of the ${piece.count} pieces`;
    return `It is ${parts} of ${piece.whole}: join them in their order (cat $(ls -v ${shellPattern(piece.pattern)}) > ${shellWord(piece.whole)}), and drop that file.`;
  }
  if (bytes === 0) return 'It is an empty file: there is nothing in it to serve.';
  const start = textOf(file.open().read(0, Math.min(MOST_BYTES, bytes)));
  const known =
    KINDS.find(({ begins }) => begins?.some(({ at, text }) => start.startsWith(text, at)) === true) ??
    KINDS.find(({ name }) => name.test(path));
  if (known !== undefined) return `It is ${known.what}. ${known.todo}`;
  return `Modelium does not know this kind of file. ${NO_MODEL}`;
}

/** Quoted but for its star. */
function shellPattern(pattern: string): string {
  return pattern
    .split('*')
    .map((part) => (part === '' ? '' : shellWord(part)))
    .join('*');
}

/** A character for each byte. */
function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
