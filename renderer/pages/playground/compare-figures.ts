/** The final figures of a comparison as rows of a table, with the best of each marked. Pure. */
import type { Final } from '../../../shared/answer-figures.ts';
import { bytesInWords, countInWords, millisecondsInWords } from '../../../shared/units.ts';
import * as texts from '../../texts.ts';

/** What is known of an answer that has ended. */
export interface Measured {
  /** Null: it did not end as it should. */
  readonly final: Final | null;
  /** Of all devices together, when the answer ended; null: not known. */
  readonly memoryBytes: number | null;
  /** Of the model's GPUs together while it answered, the mean; null: nobody measures it. */
  readonly watts: number | null;
}

export interface Figure {
  /** Null: not measured. */
  readonly text: string | null;
  /**
   * Better than all others, as it is shown: what reads the same is a tie, and a tie has no winner.
   */
  readonly isBest: boolean;
}

interface Measure {
  readonly name: string;
  /** Null: no value of it is better than another. */
  readonly better: 'less' | 'more' | null;
  readonly value: (column: Measured) => number | null;
  readonly words: (value: number) => string;
}

const MEASURES: readonly Measure[] = [
  {
    name: texts.requests.firstToken,
    better: 'less',
    value: ({ final }) => final?.timings.first_token_ms ?? null,
    words: millisecondsInWords,
  },
  {
    name: texts.requests.tokensPerSecond,
    better: 'more',
    value: ({ final }) => final?.timings.tokens_per_second ?? null,
    words: (value) => value.toFixed(1),
  },
  { name: texts.requests.tokens, better: null, value: ({ final }) => final?.usage.completion_tokens ?? null, words: countInWords },
  { name: texts.compare.total, better: null, value: ({ final }) => final?.timings.total_ms ?? null, words: millisecondsInWords },
  { name: texts.common.memory, better: 'less', value: ({ memoryBytes }) => memoryBytes, words: bytesInWords },
  { name: texts.compare.gpuPower, better: 'less', value: ({ watts }) => watts, words: (value) => texts.common.watts(Math.round(value)) },
];

export interface FiguresTable {
  readonly names: readonly string[];
  /** A row for each column of the comparison. */
  readonly rows: readonly (readonly Figure[])[];
}

/** Measures that nobody measured are left out. */
export function figuresTable(columns: readonly Measured[]): FiguresTable {
  const measured = MEASURES.filter(({ value }) => columns.some((column) => value(column) !== null));
  const byMeasure = measured.map((measure) => figuresOf(measure, columns));
  return {
    names: measured.map(({ name }) => name),
    rows: columns.map((_, row) => byMeasure.map((figures) => figures[row] ?? { text: null, isBest: false })),
  };
}

function figuresOf({ better, value, words }: Measure, columns: readonly Measured[]): readonly Figure[] {
  const values = columns.map(value);
  const known = values.filter((each) => each !== null);
  const best = better === 'less' ? Math.min(...known) : Math.max(...known);
  const isTie = known.filter((each) => words(each) === words(best)).length > 1;
  const hasWinner = better !== null && known.length > 1 && !isTie;
  return values.map((each) => ({ text: each === null ? null : words(each), isBest: hasWinner && each === best }));
}
