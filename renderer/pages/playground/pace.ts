/**
 * Collects text that arrives in hundreds of pieces a second and passes it on at most every 50 ms;
 * while the window is hidden, not at all.
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
