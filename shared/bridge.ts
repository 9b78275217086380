/**
 * The functions that the Electron shell offers to the page, because a browser cannot do them. The
 * preload exposes them as `window.modelium`, and nothing else. Everything that a browser can do
 * goes over HTTP.
 */

/** What the tray shows of the engine. */
export interface TrayState {
  /** One line: `2 models loaded, 1 loading`. */
  readonly sentence: string;
  readonly loadedCount: number;
  /** Requests that run now: Quit asks before it cuts them. */
  readonly inFlight: number;
  /** Edits of the settings that are not saved: Quit asks before it loses them. */
  readonly unsavedCount: number;
}

/**
 * A desktop notification; a click on it shows the window on that page (`models`, `decisions` ...).
 */
export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly page: string;
}

export interface Bridge {
  /**
   * Absolute paths of dropped `File`s, in their order; an empty text for an item that has none (a
   * picture dragged out of a page).
   */
  pathsOf(items: readonly unknown[]): readonly string[];
  /** A native dialog; empty when it was cancelled. */
  choose(what: 'files' | 'folder'): Promise<readonly string[]>;
  notify(notice: Notice): void;
  showInTray(state: TrayState): void;
  /** Opens the engine's settings file with the desktop's program for it. */
  openSettings(): void;
  /** Shows a watched folder in the desktop's file manager; any other path is refused. */
  openFolder(path: string): void;
  /**
   * Whether the app starts with the person's login. @param wish null: it is only asked. Absent in
   * an app that is older than its engine, which is where the page comes from.
   */
  startAtLogin?(wish: boolean | null): Promise<boolean>;
}
