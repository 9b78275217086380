/**
 * Collects words that come by the hundred a second, and hands them on at most every 50 ms; while
 * nobody looks at the window, not at all.
 */
const COMMIT_MS = 50;

export class Pace {
  readonly #commit: (text: string) => void;
  #text = '';
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param commit gets the whole text so far. */
  constructor(commit: (text: string) => void) {
    this.#commit = commit;
  }

  get text(): string {
    return this.#text;
  }

  add(more: string): void {
    this.#text += more;
    this.#timer ??= setTimeout(this.#due, COMMIT_MS);
  }

  /** No call comes after this one. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#due);
  }

  #due = (): void => {
    document.removeEventListener('visibilitychange', this.#due);
    if (document.hidden) {
      document.addEventListener('visibilitychange', this.#due);
      return;
    }
    this.#timer = null;
    this.#commit(this.#text);
  };
}
