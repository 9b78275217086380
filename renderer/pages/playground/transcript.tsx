/**
 * A conversation or an answer that scrolls: it follows the growing text until the user scrolls up,
 * and then offers a way back.
 */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { watchHand } from '../../ui/hand.ts';
import styles from './chat.module.css';

/** Nearer to the end than this counts as being there, in pixels. */
const NEAR_END = 40;

interface TranscriptProps {
  /** Changes with each question: whoever asks wants to see the answer. */
  readonly asked: number;
  readonly label: string;
  readonly children: ReactNode;
}

/**
 * Answers where that is. The event of this scrolling comes with the next frame: a person who
 * scrolls up before it would else be measured by where the end was before the text grew, and look
 * as if they went down.
 */
function scrollToEnd(box: HTMLElement): number {
  box.scrollTop = box.scrollHeight;
  return box.scrollTop;
}

export function Transcript({ asked, label, children }: TranscriptProps) {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const lastTop = useRef(0);
  const [isAway, setIsAway] = useState(false);
  const jump = (): void => {
    follows.current = true;
    setIsAway(false);
    if (box.current !== null) lastTop.current = scrollToEnd(box.current);
  };
  useEffect(() => {
    if (content.current === null) return;
    const observer = new ResizeObserver(() => {
      if (follows.current && box.current !== null) lastTop.current = scrollToEnd(box.current);
    });
    observer.observe(content.current);
    return () => observer.disconnect();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new question is the one reason.
  useEffect(jump, [asked]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const hand = watchHand(element);
    const onScroll = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const byHand = hand.scrolls();
      // Formulas and tables that are drawn make the text shorter, which scrolls up as well: only a
      // person lets go.
      if (scrollHeight - scrollTop - clientHeight <= NEAR_END) follows.current = true;
      else if (byHand && scrollTop < lastTop.current) follows.current = false;
      lastTop.current = scrollTop;
      setIsAway(!follows.current);
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      hand.stop();
      element.removeEventListener('scroll', onScroll);
    };
  }, []);
  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section aria-label={label} className={styles.transcript} ref={box} tabIndex={0}>
        <h2 className="visually-hidden">{label}</h2>
        <div className={styles.turns} ref={content}>
          {children}
        </div>
      </section>
      {isAway && (
        <Button className={styles.jump ?? ''} icon="down" onClick={jump} small>
          {texts.common.jumpToLatest}
        </Button>
      )}
    </div>
  );
}
