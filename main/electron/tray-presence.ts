/**
 * Finds out whether this desktop shows tray icons. Electron does not say: it creates an icon even
 * if nobody shows it. Checked again each time, because a panel may appear or disappear.
 */
import { execFile } from 'node:child_process';

const ANSWER_MS = 1_000;
/** By which desktops of today show them, on the person's own bus. */
const WATCHER = 'org.kde.StatusNotifierWatcher';

export interface DesktopFacts {
  readonly platform: NodeJS.Platform;
  readonly isWayland: boolean;
  /** What the bus says of who shows icons; null: it cannot be asked. */
  readonly hasWatcher: boolean | null;
}

/**
 * False only where it is certain. On X11 an older panel may show icons without that name on the
 * bus, and where nobody can be asked, nothing is known.
 */
export function showsTray({ platform, isWayland, hasWatcher }: DesktopFacts): boolean {
  return platform !== 'linux' || !isWayland || hasWatcher !== false;
}

export async function desktopShowsTray(): Promise<boolean> {
  const { platform, env } = process;
  const isWayland = env['XDG_SESSION_TYPE'] === 'wayland' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
  const isAsked = platform === 'linux' && isWayland;
  return showsTray({ platform, isWayland, hasWatcher: isAsked ? await hasWatcher() : null });
}

function hasWatcher(): Promise<boolean | null> {
  const args = ['--user', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner', 's', WATCHER];
  return new Promise((resolve) => {
    execFile('busctl', args, { timeout: ANSWER_MS }, (error, stdout) => resolve(error === null ? stdout.trim() === 'b true' : null));
  });
}
