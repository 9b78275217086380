/** Splits the spans of a line at the matches of a filter. Pure. */
import type { Span } from '../../components/ansi.ts';

export interface MarkedSpan extends Span {
  readonly marked: boolean;
}

/** @param ranges in the joined text of the spans, in order and apart. */
export function cutByRanges(spans: readonly Span[], ranges: readonly (readonly [number, number])[]): readonly MarkedSpan[] {
  const cuts: MarkedSpan[] = [];
  let begin = 0;
  for (const span of spans) {
    const end = begin + span.text.length;
    let from = begin;
    const push = (to: number, marked: boolean): void => {
      if (to > from) cuts.push({ ...span, text: span.text.slice(from - begin, to - begin), marked });
      from = Math.max(from, to);
    };
    for (const [first, last] of ranges) {
      if (last <= from || first >= end) continue;
      push(Math.max(first, begin), false);
      push(Math.min(last, end), true);
    }
    push(end, false);
    begin = end;
  }
  return cuts;
}
