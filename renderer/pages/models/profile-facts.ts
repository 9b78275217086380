/** What the analyzer found, as rows for the drawer. Pure; what is not known is left out. */
import type { ModelProfile } from '../../../shared/profile.ts';
import { bytesInWords, countInWords } from '../../../shared/units.ts';

type Row = readonly [string, string];

export function profileFacts(profile: ModelProfile): readonly Row[] {
  const { kind, architecture, name, parameters, weightBytes, weightBytesByType, contextLength, layers, heads, kvHeads, kv, tokenizer } =
    profile;
  const rows: readonly (Row | null)[] = [
    ['Kind', kind],
    ['Architecture', architecture],
    name === null ? null : ['Calls itself', name],
    parameters === null ? null : ['Parameters', countInWords(parameters)],
    ['Weights', `${bytesInWords(weightBytes)} (${typesInWords(weightBytesByType)})`],
    contextLength === null ? null : ['Longest context', `${contextLength.toLocaleString('en')} tokens`],
    layers === null ? null : ['Layers', String(layers)],
    heads === null
      ? null
      : ['Attention heads', kvHeads === null || kvHeads === heads ? String(heads) : `${heads}, ${kvHeads} for keys and values`],
    kv === null || kv.bytesPerToken === 0 ? null : ['Cache', `${kibibytes(kv.bytesPerToken)} a token${kv.exact ? '' : ' at most'}`],
    tokenizer === null ? null : ['Tokenizer', tokenizer],
    kind === 'chat' || profile.hasChatTemplate ? ['Chat template', profile.hasChatTemplate ? 'yes' : 'none: chat is not possible'] : null,
    ['Forms', profile.forms.map((form) => `${form.kind} (${form.files.length} ${form.files.length === 1 ? 'file' : 'files'})`).join(', ')],
  ];
  return rows.filter((row) => row !== null);
}

function typesInWords(byType: Readonly<Record<string, number>>): string {
  return Object.entries(byType)
    .sort(([, first], [, second]) => second - first)
    .map(([type, bytes]) => `${type} ${bytesInWords(bytes)}`)
    .join(', ');
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;
}
