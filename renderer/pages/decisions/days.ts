/** Groups rows by the day on which they were written. Pure. */
import type { DecisionRow } from '../../../shared/decision.ts';
import * as texts from '../../texts.ts';

interface Day {
  readonly day: string;
  readonly rows: readonly DecisionRow[];
}

const FORMAT = new Intl.DateTimeFormat('en', { weekday: 'long', day: 'numeric', month: 'long' });

/** @param rows newest first. */
export function daysOf(rows: readonly DecisionRow[], now: Date = new Date()): readonly Day[] {
  const today = FORMAT.format(now);
  // Without Map.groupBy: the oldest Chromium that the window runs in lacks it.
  const days = new Map<string, DecisionRow[]>();
  for (const row of rows) {
    const day = FORMAT.format(new Date(row.at));
    days.set(day, [...(days.get(day) ?? []), row]);
  }
  return [...days].map(([day, ofDay]) => ({ day: day === today ? texts.decisions.today : day, rows: ofDay }));
}
