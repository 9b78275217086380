/** What the analyzer found, as rows for the drawer. Pure; what is not known is left out. */
import type { KvCost, ModelForm, ModelProfile } from '../../../shared/profile.ts';
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
    ['Attention heads', headsOf(profile)],
    ['Experts', expertsOf(profile)],
    ['Cache', kv === null ? null : cacheOf(kv)],
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

function headsOf({ heads, kvHeads }: ModelProfile): string | null {
  if (heads === null) return null;
  return kvHeads === null || kvHeads === heads ? String(heads) : `${heads}, ${kvHeads} for keys and values`;
}

function expertsOf({ experts }: ModelProfile): string | null {
  if (experts === null) return null;
  return `${experts.count}${experts.used === null ? '' : `, ${experts.used} for each token`}`;
}

/** By kind of layer where they differ: that is what a long context costs or spares. */
function cacheOf({ bytesPerToken, bytesPerSequence, exact, groups }: KvCost): string | null {
  const most = exact ? '' : 'at most ';
  const parts = [
    ...(bytesPerToken > 0 ? [`${most}${kibibytes(bytesPerToken)} a token`] : []),
    ...(bytesPerSequence > 0 ? [`${most}${kibibytes(bytesPerSequence)} a sequence`] : []),
  ];
  if (parts.length === 0) return null;
  const kinds = groups.map(({ kind, layers, windowTokens }) => {
    const window = windowTokens === null ? '' : ` of ${windowTokens.toLocaleString('en')} tokens`;
    return `${layers} ${kind}${window}`;
  });
  const differ = groups.length > 1 || groups.some(({ kind }) => kind !== 'full');
  return `${parts.join(' and ')}${differ ? ` (layers: ${kinds.join(', ')})` : ''}`;
}

function formInWords({ kind, files, codeFiles, companions = [], detail }: ModelForm): string {
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  const more = [count, detail, ...companions.map(({ role }) => `with a ${role}`), codeFiles.length > 0 ? 'brings code' : undefined];
  return `${kind} (${more.filter((part) => part !== undefined).join(', ')})`;
}

function kibibytes(bytes: number): string {
  return bytes >= 1024 ** 2 ? bytesInWords(bytes) : `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;
}
