/**
 * What is known of an installed vLLM: the architectures that it supports, parsed from the source of
 * its registry (vllm/model_executor/models/registry.py: plain dictionaries). Pure: the caller
 * passes the text. An architecture that is not found counts as unsupported; if the source has
 * another form, nothing counts as known.
 */

/** What an architecture of vLLM answers with. */
export type VllmTask = 'generate' | 'pooling' | 'classify' | 'multimodal';

export interface VllmArchitectures {
  /** Name -> the lists that it stands in. */
  readonly known: Readonly<Record<string, readonly VllmTask[]>>;
  /** Name -> the last version that had it. */
  readonly gone: Readonly<Record<string, string>>;
  /** Name -> the plugin that has it. */
  readonly plugins: Readonly<Record<string, string>>;
}

/** vLLM as it is installed here, told from its files. */
export interface VllmInstall {
  readonly found: true;
  readonly command: string;
  /** The PATH of its processes: its own programs first. */
  readonly path: string;
  /** Null: the program is a wrapper, and nothing is known of what it starts. */
  readonly version: string | null;
  /** Built for processors alone. */
  readonly isCpuBuild: boolean;
  /** Null: not known; then every architecture is tried. */
  readonly architectures: VllmArchitectures | null;
}

export type VllmFound = VllmInstall | { readonly found: false; readonly message: string };

export interface VllmSearch {
  readonly install: VllmFound;
  /** What it rests on: it is read again only when this is another. */
  readonly about: string;
}

const LISTS: Readonly<Record<string, VllmTask>> = {
  _TEXT_GENERATION_MODELS: 'generate',
  _EMBEDDING_MODELS: 'pooling',
  _LATE_INTERACTION_MODELS: 'pooling',
  _REWARD_MODELS: 'pooling',
  _TOKEN_CLASSIFICATION_MODELS: 'classify',
  _SEQUENCE_CLASSIFICATION_MODELS: 'classify',
  _MULTIMODAL_MODELS: 'multimodal',
  _TRANSFORMERS_SUPPORTED_MODELS: 'generate',
};
const MOST_NAMES = 5_000;

/** Null: the text is no such registry. */
export function readArchitectures(text: string): VllmArchitectures | null {
  const known: Record<string, VllmTask[]> = {};
  let count = 0;
  for (const [list, task] of Object.entries(LISTS)) {
    for (const [name] of entriesOf(text, list)) {
      if (count++ >= MOST_NAMES) return null;
      known[name] = [...(known[name] ?? []), task];
    }
  }
  if (count === 0) return null;
  const withText = (list: string): Record<string, string> =>
    Object.fromEntries(entriesOf(text, list).flatMap(([name, rest]) => (rest === null ? [] : [[name, rest]])));
  return { known, gone: withText('_PREVIOUSLY_SUPPORTED_MODELS'), plugins: withText('_OOT_SUPPORTED_MODELS') };
}

/** Keys of one dictionary, each with its value where that is a text. */
function entriesOf(text: string, list: string): readonly (readonly [string, string | null])[] {
  const begin = text.search(new RegExp(`^${list}(?::[^=\\n]*)? = \\{`, 'm'));
  if (begin < 0) return [];
  const end = text.indexOf('\n}', begin);
  const body = text.slice(begin, end < 0 ? text.length : end);
  return [...body.matchAll(/^ {4}"(\w+)":\s*(?:"([^"]*)")?/gm)].map(([, name = '', value]) => [name, value ?? null]);
}
