/**
 * Says that the engine is away, that the page shows the last known state, and that it will continue
 * automatically.
 */
import { useEffect, useState } from 'react';
import { bridge } from './bridge.ts';
import { reconnect } from './link.ts';
import styles from './link-banner.module.css';
import { useWindow } from './store.ts';
import * as texts from './texts.ts';
import { Button } from './ui/button.tsx';
import { Icon } from './ui/icon.tsx';

/** A link that stands within this time is not worth a word. */
const PATIENCE_MS = 400;
const KNOWN = texts.link.lastKnownState(bridge === null);

export function LinkBanner() {
  const link = useWindow((state) => state.link);
  const isKnown = useWindow((state) => state.snapshot !== null);
  const [waited, setWaited] = useState(false);
  const isDown = link.name !== 'live';
  useEffect(() => {
    setWaited(false);
    if (!isDown) return;
    const timer = setTimeout(() => setWaited(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [isDown]);
  const announcement = useAnnouncement(isDown && waited, isKnown);
  return (
    <>
      {/* Words that do not change while it lasts: a reader announces each break once, and its end. */}
      <div className="visually-hidden" data-testid="link-said" role="status">
        {announcement}
      </div>
      {isDown && waited && (
        <div className={styles.banner} data-testid="link-banner">
          <Icon name="warning" />
          <span>
            {link.name === 'lost' ? `${link.why} ` : ''}
            {isKnown ? KNOWN : texts.link.connecting}
          </span>
          <Button onClick={reconnect} small>
            {texts.link.tryNow}
          </Button>
        </div>
      )}
    </>
  );
}

function useAnnouncement(isLost: boolean, isKnown: boolean): string {
  const [wasLost, setWasLost] = useState(false);
  useEffect(() => {
    if (isLost && isKnown) setWasLost(true);
  }, [isLost, isKnown]);
  if (isLost) return isKnown ? texts.link.saidAway : texts.link.saidConnecting;
  return wasLost ? texts.link.saidConnected : '';
}
