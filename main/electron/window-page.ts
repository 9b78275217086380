/**
 * Chooses what the window shows: the page of an engine that has proven itself, or our own page
 * while it waits.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserWindow } from 'electron';

const LOAD_AGAIN_MS = 1_000;
/** A load that another one overtook. */
const ABORTED = -3;
/** In front of the token, in the address that the page begins with; it takes both away at once. */
const TOKEN = '#token=';

/** A proven engine: where its page is, and the token that the page needs. */
export interface Target {
  readonly address: string;
  readonly token: string;
}

export interface Filling {
  /**
   * Loads the engine's page; does nothing where it is shown already: the page follows its engine by
   * itself.
   */
  showEngine(target: Target): void;
  /** The engine went away: what could not be loaded waits for it. */
  engineLost(): void;
  /** Turns the page to one of its routes: at once, or when it is there. */
  turnTo(page: string): void;
}

export function fill(browserWindow: BrowserWindow): Filling {
  const { webContents } = browserWindow;
  let target: Target | null = null;
  let isEngineThere = false;
  /** Where it is to be turned once it is there; null: where it was. */
  let wanted: string | null = null;
  /** The page did not come, or died. */
  let isBroken = false;
  let loads = 0;

  // Out of its address itself: a page with a file's origin is one that we never need.
  const ownPage = `data:text/html;charset=utf-8;base64,${readFileSync(join(__dirname, 'starting.html'), 'base64')}`;
  const showOwnPage = (): Promise<void> => webContents.loadURL(target === null ? ownPage : `${ownPage}#waiting`).catch(() => undefined);

  /**
   * By way of our own page: from an address to the same one with another fragment nothing would be
   * loaded.
   */
  async function load(): Promise<void> {
    loads += 1;
    const own = loads;
    isBroken = false;
    await showOwnPage();
    if (own !== loads || target === null || !isEngineThere || browserWindow.isDestroyed()) return;
    await webContents.loadURL(`${target.address}/${TOKEN}${target.token}`).catch(() => undefined);
    if (own === loads && wanted !== null) turnTo(wanted);
  }

  /** Before the page is there, it is where it begins. */
  function turnTo(page: string): void {
    const now = webContents.getURL();
    const isThere = target !== null && now.startsWith(`${target.address}/`) && !now.includes(TOKEN);
    wanted = isThere ? null : page;
    const url = `${target?.address}/#/${page}`;
    if (isThere && now !== url) void webContents.loadURL(url).catch(() => undefined);
  }

  async function loadAgain(): Promise<void> {
    isBroken = true;
    await showOwnPage();
    setTimeout(() => {
      if (isBroken && isEngineThere && !browserWindow.isDestroyed()) void load();
    }, LOAD_AGAIN_MS);
  }

  // A page with unsaved fields asks to stay; but its engine is elsewhere now, and a load that never
  // begins helps nobody.
  webContents.on('will-prevent-unload', (event) => event.preventDefault());
  webContents.on('did-fail-load', (_, code, __, ___, isMainFrame) => {
    if (isMainFrame && code !== ABORTED) void loadAgain();
  });
  webContents.on('render-process-gone', (_, { reason }) => {
    if (reason !== 'clean-exit') void loadAgain();
  });
  void load();
  return {
    showEngine(next) {
      const isShown = target?.address === next.address && target.token === next.token && !isBroken;
      target = next;
      isEngineThere = true;
      if (!isShown) void load();
    },
    engineLost() {
      isEngineThere = false;
    },
    turnTo,
  };
}
