/** The one window: made, shown, filled and remembered. Which address it shows is told to it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrowserWindow, nativeTheme, screen } from 'electron';
import { boundsFor, readPlace, SMALLEST, writePlace } from './window-place.ts';

/** The page's own backgrounds, so that nothing flashes before it paints. */
const BACKGROUND = { dark: '#12141A', light: '#FFFFFF' } as const;
const LOAD_AGAIN_MS = 1_000;
/** A load that another one overtook. */
const ABORTED = -3;

/** A proven engine: where its page is, and the token that the page needs. */
export interface Target {
  readonly address: string;
  readonly token: string;
}

export interface Window {
  readonly browserWindow: BrowserWindow;
  show(): void;
  /** Ends it, its place remembered. */
  end(): void;
  /**
   * Loads the engine's page; does nothing where it is shown already: the page follows its engine by
   * itself.
   */
  showEngine(target: Target): void;
  /** The engine went away: what could not be loaded waits for it. */
  engineLost(): void;
  /** Turns the page that is shown to one of its routes. */
  turnTo(page: string): void;
}

/** Closing hides it; only `end` ends it. */
export function openWindow(stateFolder: string, onHidden: () => void): Window {
  const browserWindow = makeWindow(stateFolder);
  browserWindow.on('close', (event) => {
    remember(browserWindow, stateFolder);
    event.preventDefault();
    browserWindow.hide();
    onHidden();
  });
  const show = (): void => {
    if (browserWindow.isMinimized()) browserWindow.restore();
    browserWindow.show();
    browserWindow.focus();
  };
  const end = (): void => {
    remember(browserWindow, stateFolder);
    browserWindow.destroy();
  };
  return { browserWindow, show, end, ...fill(browserWindow) };
}

function makeWindow(stateFolder: string): BrowserWindow {
  const place = readPlace(stateFolder);
  const areas = screen.getAllDisplays().map(({ workArea }) => workArea);
  const made = new BrowserWindow({
    ...boundsFor(place, areas),
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    title: 'Modelium',
    show: false,
    autoHideMenuBar: true,
    icon: join(__dirname, 'icons', '256x256.png'),
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: join(__dirname, 'preload.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      webviewTag: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      spellcheck: false,
      navigateOnDragDrop: false,
    },
  });
  made.once('ready-to-show', () => {
    if (place.maximized) made.maximize();
    made.show();
  });
  return made;
}

function remember(browserWindow: BrowserWindow, stateFolder: string): void {
  writePlace(stateFolder, { bounds: browserWindow.getNormalBounds(), maximized: browserWindow.isMaximized() });
}

type Filling = Pick<Window, 'showEngine' | 'engineLost' | 'turnTo'>;

function fill(browserWindow: BrowserWindow): Filling {
  const { webContents } = browserWindow;
  let target: Target | null = null;
  let isThere = false;
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
    if (own !== loads || target === null || !isThere || browserWindow.isDestroyed()) return;
    await webContents.loadURL(`${target.address}/#token=${target.token}`).catch(() => undefined);
  }

  async function loadAgain(): Promise<void> {
    isBroken = true;
    await showOwnPage();
    setTimeout(() => {
      if (isBroken && isThere && !browserWindow.isDestroyed()) void load();
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
      isThere = true;
      if (!isShown) void load();
    },
    engineLost() {
      isThere = false;
    },
    turnTo(page) {
      const now = webContents.getURL();
      const url = `${target?.address}/#/${page}`;
      if (target !== null && now.startsWith(`${target.address}/`) && now !== url) void webContents.loadURL(url).catch(() => undefined);
    },
  };
}
