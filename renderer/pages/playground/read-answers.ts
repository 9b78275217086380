/**
 * Reads answers that are passed on unchanged from a runtime. A missing part is reported as an
 * error, never guessed. Pure.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import * as texts from '../../texts.ts';

type Loose = Readonly<Record<string, unknown>>;

export interface RankedDocument {
  /** Its place in the request. */
  readonly index: number;
  readonly text: string;
  readonly score: number;
}

/** @throws ModeliumError upstream-failed for an answer without scores. */
export function rankedDocuments(answer: Loose, documents: readonly string[]): readonly RankedDocument[] {
  const ranked = listOf(answer['results'] ?? answer['data']).flatMap(({ index, relevance_score: relevance, score }) => {
    const found = typeof relevance === 'number' ? relevance : score;
    return typeof index === 'number' && typeof found === 'number' ? [{ index, text: documents[index] ?? '', score: found }] : [];
  });
  if (ranked.length === 0) throw nothing(texts.forms.withoutScores);
  return ranked.toSorted((one, other) => other.score - one.score);
}

export interface Classified {
  /** The likeliest first. A class without a name is called by its number. */
  readonly classes: readonly { readonly label: string; readonly probability: number | null }[];
}

/**
 * One for each input, in their order. @throws ModeliumError upstream-failed for an answer without
 * classes.
 */
export function classesOf(answer: Loose): readonly Classified[] {
  const inOrder = listOf(answer['data']).toSorted((one, other) => Number(one['index'] ?? 0) - Number(other['index'] ?? 0));
  const classified = inOrder.map(({ label, probs, scores }) => ({ classes: scored(label, probs, scores) }));
  if (classified.length === 0 || classified.some(({ classes }) => classes.length === 0)) throw nothing(texts.forms.withoutClasses);
  return classified;
}

/**
 * Some name every class (`scores`); others name the likeliest alone, and give the rest as numbers.
 */
function scored(label: unknown, probs: unknown, scores: unknown): Classified['classes'] {
  const named = typeof scores === 'object' && scores !== null ? Object.entries(scores) : [];
  const known = named.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  const likeliest = typeof label === 'string' ? label : null;
  if (known.length > 0) return byProbability(known.map(([name, probability]) => ({ label: name, probability })));
  const values = Array.isArray(probs) ? probs.map(Number).filter(Number.isFinite) : [];
  if (values.length === 0) return likeliest === null ? [] : [{ label: likeliest, probability: null }];
  const best = values.indexOf(Math.max(...values));
  return byProbability(
    values.map((probability, at) => ({ label: at === best && likeliest !== null ? likeliest : texts.classes.numbered(at), probability })),
  );
}

function byProbability<Item extends { readonly probability: number }>(items: readonly Item[]): readonly Item[] {
  return items.toSorted((one, other) => other.probability - one.probability);
}

/** @throws ModeliumError upstream-failed for an answer without a text. */
export function transcriptOf(answer: Loose): string {
  const { text } = answer;
  if (typeof text !== 'string') throw nothing(texts.forms.withoutText);
  return text;
}

function listOf(value: unknown): readonly Loose[] {
  return Array.isArray(value) ? value.filter((item): item is Loose => typeof item === 'object' && item !== null) : [];
}

function nothing(why: string): ModeliumError {
  return new ModeliumError('upstream-failed', why);
}
