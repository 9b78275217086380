/**
 * Finds the base model of a LoRA: compares the name in its file with the known ids, aliases and
 * names. Pure.
 */

export interface KnownModel {
  readonly id: string;
  /** `owner/model`, earlier ids. */
  readonly aliases: readonly string[];
  /** What its own files call it, and where it lies. */
  readonly names: readonly string[];
}

/** `found`: this is the base. `needs-base`: none here is; `sentence` says which one would help. */
export type BaseVerdict =
  | { readonly verdict: 'found'; readonly id: string }
  | { readonly verdict: 'needs-base'; readonly base: string | null; readonly sentence: string };

/**
 * The surest match first: an id or alias, then what a model's files call it, then the last part of
 * a path or of `owner/model`. Two that match equally well are no match: a wrong base answers with
 * nonsense.
 */
export function baseOf(base: string | null, known: readonly KnownModel[]): BaseVerdict {
  if (base === null) {
    const sentence = 'Its adapter_config.json names no base model: add base_model_name_or_path to this file.';
    return { verdict: 'needs-base', base, sentence };
  }
  const rules = [base, ...othersOf(base)].flatMap(rulesOf);
  for (const rule of rules) {
    const matches = known.filter(rule);
    if (matches.length > 1) {
      const ids = matches.map(({ id }) => id).slice(0, 5);
      return {
        verdict: 'needs-base',
        base,
        sentence: `Its base ${base} could be ${ids.join(' or ')}: give the right one the alias ${base}.`,
      };
    }
    const [only] = matches;
    if (only !== undefined) return { verdict: 'found', id: only.id };
  }
  return { verdict: 'needs-base', base, sentence: `Its base ${base} is not here: add that model, and the adapter is served with it.` };
}

function rulesOf(base: string): readonly ((model: KnownModel) => boolean)[] {
  const wanted = plain(base);
  const tail = tailOf(base);
  return [
    (model) => [model.id, ...model.aliases].some((name) => plain(name) === wanted),
    (model) => model.names.some((name) => plain(name) === wanted),
    (model) => [model.id, ...model.aliases].some((name) => plain(name) === tail),
    (model) => model.names.some((name) => tailOf(name) === tail),
  ];
}

/** The folders of Hugging Face's cache: `models--owner--name/snapshots/HASH`. */
const CACHED = /(?:^|[\\/])models--([^\\/]+?)(?:--([^\\/]+))?(?:[\\/]snapshots(?:[\\/][^\\/]*)?)?[\\/]*$/;
/** Folders that trainers make inside of one that has the model's name. */
const STEP = /^(?:checkpoint[-_]?\d*|step[-_]?\d+|epoch[-_]?\d+|global_step\d+|iter[-_]?\d+|final|last|best|merged|hf|model|output|\d+)$/i;

/**
 * What else a local path may stand for: the repository whose snapshot it is; of a checkpoint the
 * folders that it lies in.
 */
function othersOf(base: string): readonly string[] {
  const [, owner, name] = CACHED.exec(base) ?? [];
  if (owner !== undefined) return [name === undefined ? owner : `${owner}/${name}`];
  const parts = base.split(/[\\/]+/).filter((part) => part !== '');
  const others: string[] = [];
  while (parts.length > 1 && STEP.test(parts.at(-1) ?? '')) {
    parts.pop();
    others.push(parts.at(-1) ?? '');
  }
  return others;
}

/** As ids are made: letters differ in nothing but case, and what an id cannot hold is a dash. */
function plain(name: string): string {
  return name
    .trim()
    .replace(/[\\/]+$/, '')
    .toLowerCase();
}

function tailOf(name: string): string {
  const last = plain(name).split(/[\\/]/).at(-1) ?? '';
  return last.replace(/\.gguf$/, '').replace(/[^a-z0-9._-]/g, '-');
}
