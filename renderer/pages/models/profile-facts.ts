/** The analyzer's findings as rows for the drawer; unknown values are left out. Pure. */
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { cacheInWords, expertsInWords, headsInWords } from '../../../shared/profile-words.ts';
import { bytesInWords, countInWords } from '../../../shared/units.ts';
import * as texts from '../../texts.ts';

type Row = readonly [string, string];

export function profileFacts(profile: ModelProfile): readonly Row[] {
  const { kind, architecture, name, base, parameters, contextLength, layers, kv, tokenizer, pooling, licence, tags } = profile;
  const rows: readonly (readonly [string, string | null])[] = [
    [texts.facts.kind, kind],
    [texts.facts.architecture, architecture],
    [texts.facts.name, name],
    [texts.facts.base, base],
    [texts.facts.parameters, parameters === null ? null : countInWords(parameters)],
    [texts.facts.weights, weightsOf(profile)],
    [texts.facts.complete, profile.completenessPercent === 100 ? null : `${profile.completenessPercent} %`],
    [texts.facts.longestContext, contextLength === null ? null : texts.common.tokens(contextLength.toLocaleString('en'))],
    [texts.facts.layers, layers === null ? null : String(layers)],
    [texts.facts.heads, headsInWords(profile)],
    [texts.facts.experts, expertsInWords(profile)],
    [texts.facts.cache, kv === null ? null : cacheInWords(kv)],
    [texts.facts.tokenizer, tokenizer],
    [
      texts.facts.chatTemplate,
      kind === 'chat' || profile.hasChatTemplate ? (profile.hasChatTemplate ? texts.common.yes : texts.facts.noChatTemplate) : null,
    ],
    [texts.facts.pooling, pooling],
    [texts.facts.licence, licence],
    [texts.facts.tags, tags.length === 0 ? null : tags.slice(0, 8).join(', ')],
    [texts.facts.forms, profile.forms.map(formInWords).join('; ')],
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
  const count = texts.facts.fileCount(files.length);
  const more = [
    count,
    detail,
    ...companions.map(({ role }) => texts.facts.withCompanion(role)),
    codeFiles.length > 0 ? texts.facts.bringsCode : undefined,
  ];
  return `${kind} (${more.filter((part) => part !== undefined).join(', ')})`;
}
