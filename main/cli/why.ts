/** `modelium why`: the ledger of decisions, for one model or all. */
import type { DecisionOutcome, DecisionRow } from '../../shared/decision.ts';
import { phasesInWords, secondsInWords } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { paint, print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function why({ stateFolder, json }: Shared, name: string | null, limit: number): Promise<number> {
  const engine = await connect(stateFolder);
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
  for (const row of decisions.toReversed()) print(told(row));
  return 0;
}

function told(row: DecisionRow): string {
  const at = paint('dim', row.at.replace('T', ' ').replace(/\..*$/, ''));
  const outcome = row.outcome === null ? '' : `\n${' '.repeat(21)}-> ${outcomeInWords(row.outcome)}`;
  return `${at}  ${row.modelId}: ${row.sentence}${outcome}`;
}

/** `ready, 31 s (starting 5.2 s, reading weights 21 s)`. */
function outcomeInWords({ message, seconds, phaseSeconds }: DecisionOutcome): string {
  const phases = phasesInWords(phaseSeconds ?? {});
  return `${message}${seconds === null ? '' : `, ${secondsInWords(seconds)}`}${phases === '' ? '' : ` (${phases})`}`;
}
