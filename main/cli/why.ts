/** `modelium why`: lists the recorded decisions, for one model or for all. */
import type { DecisionOutcome, DecisionRow } from '../../shared/decision.ts';
import { factInWords, isDetail, placeOf, rowHeadlines } from '../../shared/reason-words.ts';
import { phasesInWords, secondsInWords } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { nameOf } from './model-name.ts';
import { indented, inLines, paint, print, printJson, printText } from './output.ts';
import type { Shared } from './verb.ts';

export interface WhyOptions {
  readonly limit: number;
  /** With corrections and notes. */
  readonly details: boolean;
}

const INDENT = 21;

export async function why({ stateFolder, json }: Shared, word: string | null, { limit, details }: WhyOptions): Promise<number> {
  const engine = await connect(stateFolder);
  const name = word === null ? null : await nameOf(engine, word);
  const query = new URLSearchParams({ limit: String(limit) });
  if (name !== null) query.set('model', name);
  const { decisions } = await engine.get<'decisions'>(`/control/decisions?${query}`);
  if (json) {
    printJson(decisions);
    return 0;
  }
  if (name !== null) {
    const { model } = await engine.get<'model'>(`/control/models/${encodeURIComponent(name)}`);
    print(`${paint('bold', model.id)} is ${model.state}: ${model.message}`);
    if (model.help !== null) print(model.help);
  }
  if (decisions.length === 0) print('No decisions yet.');
  for (const row of decisions.toReversed()) printText(rowText(row, details));
  return 0;
}

/**
 * The headline, a line for its facts, and a line for what came of it. Rows of earlier versions have
 * one sentence.
 */
export function rowText(row: DecisionRow, details: boolean): string {
  const { headline, failure } = rowHeadlines(row);
  const place = row.because === undefined ? null : placeOf(row.because.cause);
  const facts = (row.because?.facts ?? [])
    .filter((fact) => details || !isDetail(fact) || fact.fact === 'said')
    .map((fact) => factInWords(fact, place));
  return inLines([
    `${paint('dim', row.at.replace('T', ' ').replace(/\..*$/, ''))}  ${row.modelId}: ${headline}`,
    ...(facts.length === 0
      ? []
      : indented(inLines([facts.join('; ')]), INDENT)
          .split('\n')
          .map((line) => paint('dim', line))),
    ...(row.outcome === null
      ? []
      : [`${' '.repeat(INDENT)}-> ${failure === null ? '' : `${paint('red', failure)}: `}${outcomeInWords(row.outcome)}`]),
  ]);
}

/** `ready, 31 s (starting 5.2 s, reading weights 21 s)`. */
function outcomeInWords({ message, seconds, phaseSeconds }: DecisionOutcome): string {
  const phases = phasesInWords(phaseSeconds ?? {});
  return `${message}${seconds === null ? '' : `, ${secondsInWords(seconds)}`}${phases === '' ? '' : ` (${phases})`}`;
}
