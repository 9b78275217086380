/**
 * Checks what the page asks of the shell: the sender, and the form that shared/bridge.ts defines.
 */
import { type BrowserWindow, dialog, type IpcMainEvent, type IpcMainInvokeEvent, ipcMain, Notification } from 'electron';
import type { Notice, TrayState } from '../../shared/bridge.ts';
import { CHANNELS } from './channels.ts';
import { originOf } from './fences.ts';
import type { Login } from './login.ts';

const PAGES = new Set(['box', 'models', 'decisions', 'activity', 'playground', 'logs', 'settings']);
const TEXT_LIMIT = 300;
/**
 * An older one gives way: a notification that nobody looked at is kept by us, not by the desktop.
 */
const NOTICES_KEPT = 20;

export interface PageWishes {
  /** The origin of the engine that has proven itself; null while there is none. */
  origin(): string | null;
  onTray(state: TrayState): void;
  /** A notification was clicked. */
  onNotice(page: string): void;
  onOpenSettings(): void;
  onOpenFolder(path: string): void;
  readonly login: Login;
}

export function answerPage(browserWindow: BrowserWindow, wishes: PageWishes): void {
  /** Our window's page itself, no frame in it, and as long as it is the engine's. */
  const isOurs = ({ sender, senderFrame }: IpcMainEvent | IpcMainInvokeEvent): boolean =>
    sender === browserWindow.webContents &&
    senderFrame !== null &&
    senderFrame.parent === null &&
    wishes.origin() !== null &&
    originOf(senderFrame.url) === wishes.origin();

  ipcMain.handle(CHANNELS.choose, async (event, what: unknown): Promise<readonly string[]> => {
    if (!isOurs(event) || (what !== 'files' && what !== 'folder')) return [];
    const { canceled, filePaths } = await dialog.showOpenDialog(browserWindow, {
      title: what === 'files' ? 'Serve model files' : 'Serve a model folder',
      buttonLabel: 'Serve',
      properties: what === 'files' ? ['openFile', 'multiSelections'] : ['openDirectory', 'multiSelections'],
    });
    return canceled ? [] : filePaths;
  });
  ipcMain.handle(CHANNELS.startAtLogin, (event, wish: unknown): boolean => {
    if (isOurs(event) && typeof wish === 'boolean' && wish !== wishes.login.isOn()) wishes.login.set(wish);
    return isOurs(event) && wishes.login.isOn();
  });
  const shown = new Set<Notification>();
  ipcMain.on(CHANNELS.notify, (event, given: unknown) => {
    const notice = isOurs(event) ? asNotice(given) : null;
    if (notice !== null) showNotice(notice, shown, wishes.onNotice);
  });
  ipcMain.on(CHANNELS.showInTray, (event, given: unknown) => {
    const state = isOurs(event) ? asTrayState(given) : null;
    if (state !== null) wishes.onTray(state);
  });
  ipcMain.on(CHANNELS.openSettings, (event) => {
    if (isOurs(event)) wishes.onOpenSettings();
  });
  ipcMain.on(CHANNELS.openFolder, (event, path: unknown) => {
    if (isOurs(event) && typeof path === 'string') wishes.onOpenFolder(path);
  });
}

function showNotice({ title, body, page }: Notice, shown: Set<Notification>, onNotice: (page: string) => void): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body });
  const [oldest] = shown;
  if (oldest !== undefined && shown.size >= NOTICES_KEPT) shown.delete(oldest);
  shown.add(notification);
  notification.on('click', () => onNotice(page));
  notification.on('close', () => shown.delete(notification));
  notification.show();
}

function asNotice(given: unknown): Notice | null {
  const { title, body, page } = (given ?? {}) as Partial<Notice>;
  if (typeof title !== 'string' || typeof body !== 'string' || typeof page !== 'string' || !PAGES.has(page)) return null;
  return { title: title.slice(0, TEXT_LIMIT), body: body.slice(0, TEXT_LIMIT), page };
}

function asTrayState(given: unknown): TrayState | null {
  const { sentence, loadedCount, inFlight, unsavedCount } = (given ?? {}) as Partial<TrayState>;
  if (typeof sentence !== 'string' || !isCount(loadedCount) || !isCount(inFlight) || !isCount(unsavedCount)) return null;
  return { sentence: sentence.slice(0, TEXT_LIMIT), loadedCount, inFlight, unsavedCount };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
