/**
 * The frame of the window: the list of pages at the left, the shown page, and what lies over all
 * pages (drop zone, cards, messages, the banner of a lost connection).
 */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { Tooltip } from '@base-ui/react/tooltip';
import { type ComponentType, type ReactNode, useEffect, useRef } from 'react';
import styles from './app.module.css';
import { DropZone } from './drop/drop-zone.tsx';
import { VerdictCards } from './drop/verdict-cards.tsx';
import { later } from './later.tsx';
import { LinkBanner } from './link-banner.tsx';
import { BoxPage } from './pages/box/box-page.tsx';
import { Panels } from './palette/panels.tsx';
import { type PageName, type PageProps, TITLES, useRoute } from './route.ts';
import { Sidebar } from './sidebar.tsx';
import { useWindow } from './store.ts';
import * as texts from './texts.ts';
import { TokenPage } from './token-page.tsx';
import { Boundary } from './ui/boundary.tsx';
import { Page } from './ui/panel.tsx';
import { Toasts } from './ui/toasts.tsx';

// What the first look does not need comes when it is asked for.
const PAGE_OF: Readonly<Record<PageName, ComponentType<PageProps>>> = {
  box: BoxPage,
  models: later(async () => (await import('./pages/models/models-page.tsx')).ModelsPage, framed(TITLES.models)),
  decisions: later(async () => (await import('./pages/decisions/decisions-page.tsx')).DecisionsPage, framed(TITLES.decisions)),
  activity: later(async () => (await import('./pages/activity/activity-page.tsx')).ActivityPage, framed(TITLES.activity)),
  playground: later(async () => (await import('./pages/playground/playground-page.tsx')).PlaygroundPage, framed(TITLES.playground)),
  logs: later(async () => (await import('./pages/logs/logs-page.tsx')).LogsPage, framed(TITLES.logs)),
  settings: later(async () => (await import('./pages/settings/settings-page.tsx')).SettingsPage, framed(TITLES.settings)),
};

/** What is said in the place of a page, with the page's title. */
function framed(title: string): (words: ReactNode) => ReactNode {
  return (words) => words !== null && <Page title={title}>{words}</Page>;
}

export function App() {
  const { page, subject } = useRoute();
  const isRefused = useWindow((state) => state.link.name === 'refused');
  const isKnown = useWindow((state) => state.snapshot !== null);
  const Shown = PAGE_OF[page];
  const main = useRef<HTMLElement>(null);
  useTurning(page, subject, main);
  // Base UI's own style elements would break the policy; what they say is in our style sheets.
  return (
    <CSPProvider disableStyleElements>
      <Tooltip.Provider delay={400}>
        {isRefused ? (
          <TokenPage />
        ) : (
          <DropZone>
            <div className={styles.frame}>
              <Sidebar page={page} />
              <div className={styles.column}>
                {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach what scrolls. */}
                <main className={styles.main} id="main" ref={main} tabIndex={0}>
                  <LinkBanner />
                  {isKnown && (
                    <Boundary frame={framed(TITLES[page])} key={page}>
                      <Shown subject={subject} />
                    </Boundary>
                  )}
                </main>
                <Toasts />
              </div>
            </div>
            <VerdictCards />
            <Panels />
          </DropZone>
        )}
      </Tooltip.Provider>
    </CSPProvider>
  );
}

/**
 * A page that was turned to is named in the window's title, and readers and keys go on in it:
 * nothing else tells who does not see it.
 */
function useTurning(page: PageName, subject: string | null, main: React.RefObject<HTMLElement | null>): void {
  const before = useRef(page);
  useEffect(() => {
    document.title = texts.window.documentTitle(subject, TITLES[page]);
    if (before.current === page) return;
    before.current = page;
    // What a page gives the focus to itself, as a field to write in, keeps it.
    if (main.current?.contains(document.activeElement) === false) main.current.focus({ preventScroll: true });
  }, [page, subject, main]);
}
