/**
 * Restricts every page in our window: it may not leave the engine's origin, open windows, hold
 * permissions or load from elsewhere. The page's content security policy forbids most of this too,
 * but these rules also hold for a compromised page.
 */
import type { App, Session, WebContents } from 'electron';

export interface Fences {
  /** The origin of the engine that has proven itself; null while there is none. */
  origin(): string | null;
}

/** What becomes of an address that a page wanted to open in a window of its own. */
export interface Ways extends Fences {
  onOutside(url: string): void;
}

/**
 * A click on Copy. Everything else that a page can ask for (camera, location, notifications,
 * reading the clipboard ...) is refused.
 */
const COPY = 'clipboard-sanitized-write';

export function fenceContents(app: App, ways: Ways): void {
  app.on('web-contents-created', (_, contents) => fenceOne(contents, ways));
}

function fenceOne(contents: WebContents, { origin, onOutside }: Ways): void {
  contents.setWindowOpenHandler(({ url }) => {
    if (isWithin(contents.getURL(), origin())) onOutside(url);
    return { action: 'deny' };
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
  // Of the page's own doing; what the shell loads itself does not come by here.
  contents.on('will-navigate', (event, url) => {
    if (!isWithin(url, origin())) event.preventDefault();
  });
  contents.on('will-redirect', (event, url) => {
    if (!isWithin(url, origin())) event.preventDefault();
  });
}

export function fenceSession(session: Session, { origin }: Fences): void {
  const isOwn = (url: string): boolean => isWithin(url, origin());
  session.setPermissionRequestHandler((_, permission, answer, { requestingUrl }) => answer(permission === COPY && isOwn(requestingUrl)));
  session.setPermissionCheckHandler((_, permission, requestingOrigin) => permission === COPY && isOwn(requestingOrigin));
  session.setDevicePermissionHandler(() => false);
  // The page sends the control token with its requests: only to the engine that proved itself, and
  // not to who took its port.
  const anywhere = ['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*'];
  session.webRequest.onBeforeRequest({ urls: anywhere }, ({ url }, answer) => answer({ cancel: !isOwn(url) }));
}

/** While there is no engine, nothing is within: files and data have no origin either. */
function isWithin(url: string, origin: string | null): boolean {
  return origin !== null && originOf(url) === origin;
}

/** `null` for what has none, as a file. */
export function originOf(url: string): string | null {
  try {
    const { origin } = new URL(url);
    return origin === 'null' ? null : origin;
  } catch {
    return null;
  }
}
