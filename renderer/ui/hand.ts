/**
 * Tells what a person scrolls from what scrolls by itself: a page that shrinks moves what is in
 * sight, too, and so does the rest of a movement that began earlier.
 */

/** What scrolls by itself this long after a wheel, a key or a finger is not theirs any more. */
const HAND_RESTS_MS = 500;
const HANDS = ['wheel', 'keydown', 'pointerdown', 'touchmove'] as const;

export interface Hand {
  /** Does a person scroll now? To be asked when `element` was scrolled. */
  scrolls(): boolean;
  stop(): void;
}

export function watchHand(element: HTMLElement): Hand {
  let lastMs = Number.NEGATIVE_INFINITY;
  const onHand = (): void => {
    lastMs = performance.now();
  };
  for (const name of HANDS) element.addEventListener(name, onHand, { passive: true });
  return {
    scrolls() {
      const isTheirs = performance.now() - lastMs < HAND_RESTS_MS;
      // A drag goes on for as long as it scrolls.
      if (isTheirs) onHand();
      return isTheirs;
    },
    stop() {
      for (const name of HANDS) element.removeEventListener(name, onHand);
    },
  };
}
