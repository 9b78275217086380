/**
 * Draws only the visible lines of a long list. Keeps the reader's position when lines are added or
 * removed.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, useCallback, useEffect, useLayoutEffect, useRef } from 'react';
import { type Span, spansOf } from '../../components/ansi.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { watchHand } from '../../ui/hand.ts';
import type { LogFilter } from './log-filter.ts';
import { type LogLine, localTime } from './log-line.ts';
import styles from './log-lines.module.css';
import { cutByRanges } from './marks.ts';

const LINE_HEIGHT = 20;
/** Less than this above the end is still the end: a hand is not that steady. */
const NEAR_END = 40;

interface LogLinesProps {
  readonly lines: readonly LogLine[];
  readonly filter: LogFilter | null;
  readonly wraps: boolean;
  readonly follows: boolean;
  readonly onFollows: (follows: boolean) => void;
}

export function LogLines({ lines, filter, wraps, follows, onFollows }: LogLinesProps) {
  const place = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: () => LINE_HEIGHT,
    getItemKey: (index) => lines[index]?.number ?? index,
    overscan: 12,
    // Lines that go at the top must not move those that somebody reads.
    anchorTo: 'end',
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: wrapped lines have other heights, all of them.
  useEffect(() => virtualizer.measure(), [virtualizer, wraps]);
  const last = lines.at(-1)?.number;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these moves the end.
  useLayoutEffect(() => {
    if (follows) virtualizer.scrollToEnd();
  }, [virtualizer, follows, last, lines.length, wraps]);
  const toEnd = useCallback(() => virtualizer.scrollToEnd(), [virtualizer]);
  useFollowByScroll(place, { follows, onFollows, toEnd });
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'End') onFollows(true);
  };
  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <section aria-label={texts.logs.lineList} className={styles.scroller} onKeyDown={onKeyDown} ref={place} tabIndex={0}>
        <div className={styles.whole} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, key, start }) => {
            const line = lines[index];
            if (line === undefined) return null;
            return (
              <div
                className={classes(styles.row, wraps && styles.wraps)}
                data-index={index}
                key={key}
                ref={virtualizer.measureElement}
                style={{ transform: `translateY(${start}px)` }}
              >
                <Line filter={filter} line={line} />
              </div>
            );
          })}
        </div>
      </section>
      {!follows && (
        <Button className={styles.jump} icon="down" variant="primary" onClick={() => onFollows(true)} small>
          {texts.common.jumpToLatest}
        </Button>
      )}
    </div>
  );
}

interface Following {
  readonly follows: boolean;
  readonly onFollows: (follows: boolean) => void;
  readonly toEnd: () => void;
}

/**
 * Scrolling up lets go of the end, coming back to it takes hold again. Only what a hand does
 * counts: lines that are measured, and the rest of a movement that began before somebody jumped to
 * the end, scroll as well.
 */
function useFollowByScroll(place: React.RefObject<HTMLDivElement | null>, { follows, onFollows, toEnd }: Following): void {
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let lastTop = element.scrollTop;
    const hand = watchHand(element);
    function onScroll(): void {
      if (element === null) return;
      const { scrollTop, scrollHeight, clientHeight } = element;
      const fromEnd = scrollHeight - clientHeight - scrollTop;
      const byHand = hand.scrolls();
      if (!follows && scrollTop > lastTop && fromEnd <= 1) onFollows(true);
      if (follows && fromEnd > NEAR_END && byHand && scrollTop < lastTop) onFollows(false);
      if (follows && fromEnd > NEAR_END && !byHand) toEnd();
      lastTop = scrollTop;
    }
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      hand.stop();
      element.removeEventListener('scroll', onScroll);
    };
  }, [place, follows, onFollows, toEnd]);
}

const Line = memo(function Line({ line, filter }: { readonly line: LogLine; readonly filter: LogFilter | null }) {
  return (
    <div className={classes(styles.line, line.tone === null ? false : styles[line.tone])}>
      {line.at !== null && (
        <time className={styles.time} dateTime={line.at} title={line.at}>
          {localTime(line.at)}
        </time>
      )}
      <span className={styles.text}>
        {cutByRanges(spansOf(line.raw), filter?.ranges(line.text) ?? []).map(({ marked, ...span }, index) => {
          const Shown = marked ? 'mark' : 'span';
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line never changes.
            <Shown className={classOf(span)} key={index}>
              {span.text}
            </Shown>
          );
        })}
      </span>
    </div>
  );
});

function classOf({ colour, bold, dim }: Span): string {
  return classes(colour !== null && styles[`colour${colour}`], bold && styles.bold, dim && styles.dim);
}
