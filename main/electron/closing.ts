/**
 * What the window's close button does: the engine keeps running in the tray if the desktop shows
 * one. Otherwise the app quits, because nobody would find the window again.
 */
import { Notification } from 'electron';
import { readPlace, writePlace } from './window-place.ts';

export interface ClosingPorts {
  showsTray(): Promise<boolean>;
  hide(): void;
  show(): void;
  /** A person's wish: asks before requests are cut. */
  quit(): void;
}

/** @param stateFolder remembers that it was told: once is enough. */
export function closeWith(stateFolder: string, ports: ClosingPorts): () => Promise<void> {
  // Held here: a notification that nobody holds is collected, and its click with it.
  let notification: Notification | null = null;
  return async () => {
    if (!(await ports.showsTray())) return ports.quit();
    ports.hide();
    const place = readPlace(stateFolder);
    if (place.toldClosing || !Notification.isSupported()) return;
    writePlace(stateFolder, { ...place, toldClosing: true });
    const body = "Modelium is in the tray. If there is no tray, start Modelium again to see the window. Quit in the tray's menu ends it.";
    notification = new Notification({ title: 'Modelium keeps serving', body });
    notification.on('click', ports.show);
    notification.show();
  };
}
