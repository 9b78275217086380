/**
 * Wires the window's parts: finds or hosts the engine, loads its page, and keeps tray, page and
 * quitting consistent. All content comes from the engine; nothing about models is decided here.
 */
import { app, Notification, session, shell } from 'electron';
import { createClient, type EngineClient } from '../client.ts';
import type { Engine } from '../engine/engine.ts';
import { type Attachment, attach } from './attachment.ts';
import { closeWith } from './closing.ts';
import { arrangeEnding } from './ending.ts';
import { fenceContents, fenceSession, originOf } from './fences.ts';
import type { Flags } from './flags.ts';
import { findOrHost, type Wanted } from './hosting.ts';
import { answerPage } from './ipc.ts';
import { linkIn, pageOfLink, SCHEME } from './links.ts';
import { loginOf, thisStart } from './login.ts';
import { setMenu } from './menu.ts';
import { offerOutside } from './outside.ts';
import { createTray } from './tray.ts';
import { desktopShowsTray } from './tray-presence.ts';
import { askAfterFailure, errorOf } from './trouble.ts';
import { openWindow, type Window } from './window.ts';

const STARTING = 'Starting the engine ...';
const AWAY = 'The engine is away: waiting for it';

/** Called once Electron is ready. */
export async function startShell(wanted: Wanted, { link, isHidden }: Pick<Flags, 'link' | 'isHidden'>): Promise<void> {
  // Where there is no tray, nobody would find it.
  const startsHidden = isHidden && (await desktopShowsTray());
  let engine: Engine | null = null;
  let starting: Promise<Engine | null> = Promise.resolve(null);
  let attachment: Attachment | null = null;
  let inFlight = 0;
  let unsavedCount = 0;
  const client = (): EngineClient | null => (engine === null ? (attachment?.client() ?? null) : createClient(engine.address, engine.token));
  const origin = (): string | null => originOf(client()?.address ?? '');

  fenceContents(app, { origin, onOutside: (url) => void offerOutside(url) });
  fenceSession(session.defaultSession, { origin });
  const ending = arrangeEnding(app, {
    engine: () => engine,
    starting: () => starting.catch(() => null),
    lastInFlight: () => inFlight,
    unsavedCount: () => unsavedCount,
    onEnding() {
      attachment?.close();
      tray.close();
      window.end();
    },
  });
  const { quit } = ending;
  const login = loginOf(thisStart(wanted), () => {
    drawMenu();
    tray.redraw();
  });
  const window = openWindow(wanted.stateFolder, startsHidden, () => void close());
  const close = closeWith(wanted.stateFolder, {
    showsTray: desktopShowsTray,
    hide: () => window.browserWindow.hide(),
    show: window.show,
    quit,
  });
  const tray = createTray({ open: window.show, unloadAll: () => void unloadAll(client()), quit, login });
  tray.show(STARTING, null);
  const { turnTo } = window;
  const drawMenu = (): void => setMenu({ turnTo, hide: () => window.browserWindow.close(), quit, login, developer: !app.isPackaged });
  drawMenu();
  arrangeReturns(window, link);
  answerPage(window.browserWindow, {
    origin,
    onTray(state) {
      ({ inFlight, unsavedCount } = state);
      tray.show(state.sentence, state.loadedCount);
    },
    onNotice: turnTo,
    onOpenSettings: () => void openSettings(client()),
    onOpenFolder: (path) => void openFolder(client(), path),
    login,
  });

  for (;;) {
    try {
      starting = findOrHost(wanted, ending.isEnding);
      const hosted = await starting;
      if (ending.isEnding()) return;
      engine = hosted;
      break;
    } catch (thrown) {
      if (ending.isEnding()) return;
      if (!(await askAfterFailure(thrown))) return app.exit(1);
    }
  }
  if (engine !== null) return window.showEngine(engine);
  attachment = attach(wanted.stateFolder, {
    onFound: window.showEngine,
    onLost() {
      tray.show(AWAY, null);
      window.engineLost();
    },
  });
}

/** What brings a person to the window from elsewhere. @param link that it was started with. */
function arrangeReturns(window: Window, link: string | null): void {
  const openLink = (given: string | null): void => {
    const page = given === null ? null : pageOfLink(given);
    if (page !== null) window.turnTo(page);
  };
  // The way back to a hidden window where the desktop has no tray: starting Modelium again.
  app.on('second-instance', (_, given) => {
    window.show();
    openLink(linkIn(given) ?? null);
  });
  app.on('activate', window.show);
  // The window only hides; but it is not its going that ends the app.
  app.on('window-all-closed', () => undefined);
  app.on('open-url', (_, url) => openLink(url));
  openLink(link);
  if (app.isPackaged) app.setAsDefaultProtocolClient(SCHEME);
}

/** The engine says which file it is, not the page. */
async function openSettings(client: EngineClient | null): Promise<void> {
  const { file } = client === null ? { file: null } : await client.get<'settings'>('/control/settings').catch(() => ({ file: null }));
  const problem = file === null ? 'There is no settings file yet.' : await shell.openPath(file);
  if (problem !== '') new Notification({ title: 'The settings file could not be opened', body: problem }).show();
}

/** Only one that the engine watches: a page can name any path, and opening a file may run it. */
async function openFolder(client: EngineClient | null, path: string): Promise<void> {
  const snapshot = client === null ? null : await client.get<'snapshot'>('/control/snapshot').catch(() => null);
  const isWatched = snapshot?.watchFolders.some((folder) => folder.path === path) ?? false;
  const problem = isWatched ? await shell.openPath(path) : 'Modelium does not watch this folder.';
  if (problem !== '') new Notification({ title: 'The folder could not be opened', body: problem }).show();
}

/** Only what is loaded: a model that waits or loads is somebody's wish of this moment. */
async function unloadAll(client: EngineClient | null): Promise<void> {
  try {
    if (client === null) return;
    const { models } = await client.get<'snapshot'>('/control/snapshot');
    const loaded = models.filter(({ state }) => state === 'ready' || state === 'asleep');
    const unload = (id: string) => client.post<'unload'>(`/control/models/${encodeURIComponent(id)}/unload`, { force: false });
    await Promise.all(loaded.map(({ id }) => unload(id)));
  } catch (thrown) {
    new Notification({ title: 'Not every model is unloaded', body: errorOf(thrown).message }).show();
  }
}
