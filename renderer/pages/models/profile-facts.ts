/** The analyzer's findings as rows for the drawer; unknown values are left out. Pure. */
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { cacheInWords, expertsInWords, headsInWords } from '../../../shared/profile-words.ts';
import { bytesInWords, countInWords } from '../../../shared/units.ts';

type Row = readonly [string, string];

export function profileFacts(profile: ModelProfile): readonly Row[] {
  const { kind, architecture, name, base, parameters, contextLength, layers, kv, tokenizer, pooling, licence, tags } = profile;
  const rows: readonly (readonly [string, string | null])[] = [
    ['Kind', kind],
    ['Architecture', architecture],
    ['Calls itself', name],
    ['Adapter of', base],
    ['Parameters', parameters === null ? null : countInWords(parameters)],
    ['Weights', weightsOf(profile)],
    ['Complete', profile.completenessPercent === 100 ? null : `${profile.completenessPercent} %`],
    ['Longest context', contextLength === null ? null : `${contextLength.toLocaleString('en')} tokens`],
    ['Layers', layers === null ? null : String(layers)],
    ['Attention heads', headsInWords(profile)],
    ['Experts', expertsInWords(profile)],
    ['Cache', kv === null ? null : cacheInWords(kv)],
    ['Tokenizer', tokenizer],
    ['Chat template', kind === 'chat' || profile.hasChatTemplate ? (profile.hasChatTemplate ? 'yes' : 'none: chat is not possible') : null],
    ['Pooling', pooling],
    ['Licence', licence],
    ['Tags', tags.length === 0 ? null : tags.slice(0, 8).join(', ')],
    ['Forms', profile.forms.map(formInWords).join('; ')],
  ];
  return rows.flatMap(([title, text]): readonly Row[] => (text === null || text === '' ? [] : [[title, text]]));
}

function weightsOf({ weightBytes, weightBytesByType }: ModelProfile): string | null {
  if (weightBytes === 0) return null;
  const types = Object.entries(weightBytesByType)
    .sort(([, first], [, second]) => second - first)
    .map(([type, bytes]) => `${type} ${bytesInWords(bytes)}`);
  return `${bytesInWords(weightBytes)}${types.length === 0 ? '' : ` (${types.slice(0, 6).join(', ')})`}`;
}

function formInWords({ kind, files, codeFiles, companions = [], detail }: ModelForm): string {
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  const more = [count, detail, ...companions.map(({ role }) => `with a ${role}`), codeFiles.length > 0 ? 'brings code' : undefined];
  return `${kind} (${more.filter((part) => part !== undefined).join(', ')})`;
}
