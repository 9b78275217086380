/**
 * The window's composition: finds or hosts the engine, fills the window with it, and keeps tray,
 * page and ending in step. Everything that is shown comes from the engine; nothing about models is
 * decided here.
 */
import { app, Notification, session, shell } from 'electron';
import { createClient, type EngineClient } from '../client.ts';
import type { Engine } from '../engine/engine.ts';
import { type Attachment, attach } from './attachment.ts';
import { arrangeEnding } from './ending.ts';
import { fenceContents, fenceSession, originOf } from './fences.ts';
import { findOrHost, type Wanted } from './hosting.ts';
import { answerPage } from './ipc.ts';
import { setMenu } from './menu.ts';
import { offerOutside } from './outside.ts';
import { createTray } from './tray.ts';
import { askAfterFailure, errorOf } from './trouble.ts';
import { openWindow } from './window.ts';

const STARTING = 'Starting the engine ...';
const AWAY = 'The engine is away: waiting for it';

/** Called once Electron is ready. */
export async function startShell(wanted: Wanted): Promise<void> {
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
  const window = openWindow(
    wanted.stateFolder,
    tellOnce(() => window.show()),
  );
  const tray = createTray({ open: window.show, unloadAll: () => void unloadAll(client()), quit });
  tray.show(STARTING, null);
  const turnTo = (page: string): void => {
    window.show();
    window.turnTo(page);
  };
  setMenu({ turnTo, hide: () => window.browserWindow.close(), quit, developer: !app.isPackaged });
  // The way back to a hidden window where the desktop has no tray: starting Modelium again.
  app.on('second-instance', window.show);
  app.on('activate', window.show);
  // The window only hides; but it is not its going that ends the app.
  app.on('window-all-closed', () => undefined);
  answerPage(window.browserWindow, {
    origin,
    onTray(state) {
      ({ inFlight, unsavedCount } = state);
      tray.show(state.sentence, state.loadedCount);
    },
    onNotice: turnTo,
    onOpenSettings: () => void openSettings(client()),
    onOpenFolder: (path) => void openFolder(client(), path),
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

/** Where the desktop shows no tray, a window that hides looks like one that ended. */
function tellOnce(open: () => void): () => void {
  // Held here: a notification that nobody holds is collected, and its click with it.
  let notification: Notification | null = null;
  return () => {
    if (notification !== null || !Notification.isSupported()) return;
    const body = 'It is in the tray; where there is none, start Modelium again to see the window. Quit in its menu ends it.';
    notification = new Notification({ title: 'Modelium goes on serving', body });
    notification.on('click', open);
    notification.show();
  };
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
  const problem = isWatched ? await shell.openPath(path) : 'It is no folder that Modelium watches.';
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
