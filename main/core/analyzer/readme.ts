/**
 * Reads the front matter of a Hugging Face README.md: licence, tags, task and base model. It is not
 * a YAML parser: it reads the few flat keys that matter and skips the rest. Pure and bounded (I7).
 */
import type { CandidateFile } from './findings.ts';

export interface Readme {
  readonly licence: string | null;
  readonly tags: readonly string[];
  readonly pipelineTag: string | null;
  readonly libraryName: string | null;
  readonly baseModel: string | null;
}

const MOST_BYTES = 64 * 1024;
const MOST_TAGS = 50;
const MOST_CHARACTERS = 200;
const NOTHING: Readme = { licence: null, tags: [], pipelineTag: null, libraryName: null, baseModel: null };
const utf8 = new TextDecoder();

export function readReadme(file: CandidateFile | undefined): Readme {
  if (file === undefined || file.bytes === 0) return NOTHING;
  const text = utf8.decode(file.open().read(0, Math.min(file.bytes, MOST_BYTES)));
  if (!/^---\s*\n/.test(text)) return NOTHING;
  const end = text.indexOf('\n---', 3);
  const values = valuesOf(text.slice(text.indexOf('\n') + 1, end < 0 ? text.length : end).split('\n'));
  const first = (key: string): string | null => values.get(key)?.[0] ?? null;
  const licence = first('license');
  return {
    licence: licence === 'other' ? (first('license_name') ?? licence) : licence,
    tags: (values.get('tags') ?? []).slice(0, MOST_TAGS),
    pipelineTag: first('pipeline_tag'),
    libraryName: first('library_name'),
    baseModel: first('base_model'),
  };
}

/** Top-level keys with one value, a list in brackets, or a list of dashes. */
function valuesOf(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  let current: string[] | null = null;
  for (const line of lines) {
    const item = /^\s*-\s+(.*)$/.exec(line);
    if (item !== null) {
      const value = plain(item[1] ?? '');
      if (current !== null && value !== '') current.push(value);
      continue;
    }
    const entry = /^([A-Za-z_][\w-]*):\s*(.*)$/.exec(line);
    if (entry === null) continue;
    const inline = entry[2] ?? '';
    current = inline.startsWith('[')
      ? inline
          .replace(/^\[|\]\s*$/g, '')
          .split(',')
          .map(plain)
      : [plain(inline)];
    current = current.filter((value) => value !== '');
    values.set(entry[1] ?? '', current);
  }
  return values;
}

/** Without quotes, comment and control characters, and not longer than a line of the window. */
function plain(value: string): string {
  const bare = value.replace(/\s+#.*$/, '').trim();
  const unquoted = /^(["'])(.*)\1$/.exec(bare)?.[2] ?? bare;
  return unquoted.replace(/\p{C}/gu, '').slice(0, MOST_CHARACTERS);
}
