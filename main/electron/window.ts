/**
 * The single window: creates, shows, loads and restores it. The caller passes the address that it
 * shows.
 */
import { join } from 'node:path';
import { BrowserWindow, nativeTheme, screen } from 'electron';
import { type Filling, fill } from './window-page.ts';
import { boundsFor, readPlace, SMALLEST, writePlace } from './window-place.ts';

/** The page's own backgrounds, so that nothing flashes before it paints. */
const BACKGROUND = { dark: '#12141A', light: '#FFFFFF' } as const;
export interface Window extends Filling {
  readonly browserWindow: BrowserWindow;
  show(): void;
  /** Shows it, on one of its page's routes. */
  turnTo(page: string): void;
  /** Ends it, its place remembered. */
  end(): void;
}

/** What is done at a click on its close button is told to it; only `end` ends it. */
export function openWindow(stateFolder: string, isHidden: boolean, onClose: () => void): Window {
  const browserWindow = makeWindow(stateFolder, isHidden);
  browserWindow.on('close', (event) => {
    remember(browserWindow, stateFolder);
    event.preventDefault();
    onClose();
  });
  let wasShown = !isHidden;
  const show = (): void => {
    // Only now, because a window that is maximized is shown.
    if (!wasShown && readPlace(stateFolder).maximized) browserWindow.maximize();
    wasShown = true;
    if (browserWindow.isMinimized()) browserWindow.restore();
    browserWindow.show();
    browserWindow.focus();
  };
  const end = (): void => {
    // One that nobody saw has no place of its own.
    if (wasShown) remember(browserWindow, stateFolder);
    browserWindow.destroy();
  };
  const filling = fill(browserWindow);
  return {
    ...filling,
    browserWindow,
    show,
    end,
    turnTo(page) {
      show();
      filling.turnTo(page);
    },
  };
}

function makeWindow(stateFolder: string, isHidden: boolean): BrowserWindow {
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
    if (place.maximized && !isHidden) made.maximize();
    if (!isHidden) made.show();
  });
  return made;
}

function remember(browserWindow: BrowserWindow, stateFolder: string): void {
  const { toldClosing } = readPlace(stateFolder);
  writePlace(stateFolder, { bounds: browserWindow.getNormalBounds(), maximized: browserWindow.isMaximized(), toldClosing });
}
