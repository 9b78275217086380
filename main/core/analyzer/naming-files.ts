/**
 * Finds configuration files that name code in other places (`auto_map`, classes to import); such a
 * file itself must then be trusted. Pure and bounded (I7): the number of files, and the bytes read.
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { beyond, FormatError } from './bytes.ts';
import type { CandidateFile } from './findings.ts';
import { isObject } from './json.ts';
import { jsonListOf, jsonOf, jsonProblem } from './json-files.ts';

/**
 * Of the model, its tokenizer, processors, generation and modules, wherever in the folder they lie.
 */
const CONFIGURATION = /(?:^|[/_])config\.json$/i;
const MAX_TOTAL_BYTES = 32 * 1024 * 1024;
const ALWAYS: ReadonlySet<string> = new Set(['auto_map', 'custom_pipelines']);
/**
 * Their words are imported where they have dots: only classes of torch itself are no code of
 * somebody else.
 */
const IMPORTED = /^(?:sbert_ce_default_activation_function|activation_function|activation_fn)$/;
/** Only classes of torch itself bring no code of somebody else. */
export const TORCH_CLASS = /^torch\.nn\.(?:\w+\.)*\w+$/;

export interface Naming {
  /** Paths of those that name code. */
  readonly files: readonly string[];
  /**
   * Those that cannot be read here and perhaps by who loads the model: as long as nobody knows what
   * they name, it is not loaded.
   */
  readonly problems: readonly FileProblem[];
}

/** What is no JSON at all names nothing: no loader reads it. */
export function namingFiles(candidates: readonly CandidateFile[]): Naming {
  let room = MAX_TOTAL_BYTES;
  const files: string[] = [];
  const problems: FileProblem[] = [];
  for (const file of candidates) {
    if (!CONFIGURATION.test(file.path) || file.bytes === 0) continue;
    room -= file.bytes;
    const json = room < 0 ? beyond(`the configurations of the folder have more than ${MAX_TOTAL_BYTES} bytes together`) : jsonOf(file);
    // A list (what it was trained on) is none of the loaders' own; what it holds is looked at all
    // the same.
    const read = json instanceof FormatError && room >= 0 ? (jsonListOf(file) ?? json) : json;
    if (read instanceof FormatError) {
      if (read.isBeyond) problems.push(jsonProblem(file, read));
    } else if (read !== null && namesCode(read)) files.push(file.path);
  }
  return { files, problems };
}

/** At any depth: configurations of parts lie in the one of the whole. */
function namesCode(json: object): boolean {
  const open: object[] = [json];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const [key, value] of Object.entries(next)) {
      if (ALWAYS.has(key) || (key === 'trust_remote_code' && value === true)) return true;
      if (IMPORTED.test(key) && typeof value === 'string' && value.includes('.') && !TORCH_CLASS.test(value)) return true;
      if (isObject(value) || Array.isArray(value)) open.push(value);
    }
  }
  return false;
}
