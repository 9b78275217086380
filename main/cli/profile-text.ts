/**
 * Describes a model in lines for users, from the profile that the analyzer made of its files.
 * Wording only.
 */
import type { FileProblem, ModelForm, ModelProfile } from '../../shared/profile.ts';
import { cacheInWords, expertsInWords, headsInWords } from '../../shared/profile-words.ts';
import { bytesInWords, countInWords } from '../../shared/units.ts';
import { inLines, paint } from './output.ts';

/** Names and problems shown one by one; the rest is counted (--json lists them all). */
const MOST_SHOWN = 12;

/** One line that says what it is, then its figures, forms and problems, each under its name. */
export function profileText(profile: ModelProfile): string {
  const { kind, architecture, quantization, parameters, weightBytes } = profile;
  const what = [
    architecture,
    quantization,
    parameters === null ? null : `${countInWords(parameters)} parameters`,
    `${bytesInWords(weightBytes)} of weights`,
  ];
  const rows = [...figures(profile), ...profile.forms.map(formRow), ...problemRows(profile)];
  const head = kind === 'unknown' ? 'Its kind is not known' : `It is ${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind} model`;
  const lines = [`${paint('bold', head)} (${what.filter((word) => word !== null && word !== '').join(', ')}).`];
  return inLines([...lines, ...columns(rows), ...profile.notes]);
}

type Row = readonly [name: string, text: string];

function columns(rows: readonly Row[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${paint('dim', name)}${' '.repeat(width - name.length)}  ${text}`);
}

function figures(profile: ModelProfile): readonly Row[] {
  const { contextLength, kv, base, licence, tags, pooling, completenessPercent } = profile;
  const rows: (readonly [name: string, text: string | null])[] = [
    ['adapter of', base],
    ['layers', layersOf(profile)],
    ['context', contextLength === null ? null : `${grouped(contextLength)} tokens`],
    ['KV cache', kv === null ? null : cacheInWords(kv)],
    ['pooling', pooling],
    ['weights', weightsOf(profile)],
    ['licence', licence],
    ['tags', tags.length === 0 ? null : some(tags)],
    ['complete', completenessPercent === 100 ? null : `${completenessPercent} %`],
  ];
  return rows.flatMap(([name, text]): readonly Row[] => (text === null || text === '' ? [] : [[name, text]]));
}

function layersOf(profile: ModelProfile): string | null {
  const { layers, embeddingLength, vocabularySize } = profile;
  const [heads, experts] = [headsInWords(profile), expertsInWords(profile)];
  const parts = [
    layers === null ? null : `${layers}`,
    heads === null ? null : `heads ${heads}`,
    embeddingLength === null ? null : `width ${grouped(embeddingLength)}`,
    vocabularySize === null ? null : `vocabulary ${grouped(vocabularySize)}`,
    experts === null ? null : `experts ${experts}`,
  ];
  return parts.filter((part) => part !== null).join('; ');
}

function weightsOf({ weightBytesByType }: ModelProfile): string | null {
  const types = Object.entries(weightBytesByType).toSorted((one, other) => other[1] - one[1]);
  return types.length < 2 ? null : some(types.map(([type, bytes]) => `${type} ${bytesInWords(bytes)}`));
}

function formRow({ kind, files, codeFiles, companions = [], detail }: ModelForm): Row {
  const beside = companions.map(({ role, file }) => `; ${role} ${file}`).join('');
  const more = detail === undefined ? '' : ` (${detail})`;
  const code = codeFiles.length === 0 ? '' : `; ${paint('yellow', `would run ${some(codeFiles)}`)}`;
  return [`form ${kind}`, `${some(files)}${more}${beside}${code}`];
}

function problemRows({ problems }: ModelProfile): readonly Row[] {
  const shown = problems.slice(0, MOST_SHOWN).map((problem): Row => ['problem', problemText(problem)]);
  return problems.length <= MOST_SHOWN ? shown : [...shown, ['', `and ${problems.length - MOST_SHOWN} more`]];
}

function problemText({ message, presentBytes, expectedBytes }: FileProblem): string {
  const bytes = expectedBytes === null || presentBytes === 0 ? '' : ` (${grouped(presentBytes)} of ${grouped(expectedBytes)} bytes there)`;
  return paint('yellow', `${message}${bytes}`);
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, MOST_SHOWN).join(', ');
  return names.length > MOST_SHOWN ? `${shown} and ${names.length - MOST_SHOWN} more` : shown;
}

/** 131,072 */
function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
