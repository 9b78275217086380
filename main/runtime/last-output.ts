/**
 * The last output lines of a runtime, bounded (I10), for errors and `modelium logs`. They remain
 * after the process has ended. Secrets are removed when a line arrives; errors, which also clients
 * without the token see, hold no value of an environment variable or of an argument of the
 * settings.
 */
import { REDACTED, redacted } from '../../shared/redact.ts';
import type { LaunchSecrets } from './launch-secrets.ts';

const MOST_LINES = 2_000;
const QUOTED_BYTES = 8_192;

export class LastOutput {
  #lines: string[] = [];
  /** Lines of the launch that runs or ran last. */
  #ofThisLaunch = 0;
  #hidden: LaunchSecrets = { secrets: [], values: [] };
  readonly #followers = new Set<(line: string) => void>();

  add(given: string): void {
    const line = without(this.#hidden.secrets, redacted(given, null));
    this.#lines.push(line);
    this.#ofThisLaunch += 1;
    // Cut in blocks: shifting one by one would copy the array on every line.
    if (this.#lines.length > MOST_LINES * 1.5) this.#lines = this.#lines.slice(-MOST_LINES);
    for (const follower of this.#followers) follower(line);
  }

  all(): readonly string[] {
    return this.#lines.slice(-MOST_LINES);
  }

  /** All that is kept of this launch. */
  ofThisLaunch(): readonly string[] {
    return this.#lines.slice(Math.max(0, this.#lines.length - this.#ofThisLaunch));
  }

  /** The last 8 KiB of this launch, whole lines: what goes into an error. */
  lines(): readonly string[] {
    let room = QUOTED_BYTES;
    const oldest = Math.max(0, this.#lines.length - this.#ofThisLaunch);
    let first = this.#lines.length;
    while (first > oldest) {
      room -= (this.#lines[first - 1]?.length ?? 0) + 1;
      if (room < 0) break;
      first -= 1;
    }
    return this.#lines.slice(first).map((line) => this.quotable(line));
  }

  /** The same words for an error, which may quote what the process said, or answered. */
  quotable(words: string): string {
    return without(this.#hidden.values, words);
  }

  /** What the launch that begins must not say. */
  hide(hidden: LaunchSecrets): void {
    this.#hidden = hidden;
  }

  /** @returns a function that ends the subscription. */
  follow(listener: (line: string) => void): () => void {
    this.#followers.add(listener);
    return () => this.#followers.delete(listener);
  }

  /** A new launch begins: the output of the last one stays readable above a line that says so. */
  begin(heading: string): void {
    if (this.#lines.length > 0) this.add(heading);
    this.#ofThisLaunch = 0;
  }
}

function without(words: readonly string[], line: string): string {
  return words.reduce((text, word) => text.replaceAll(word, REDACTED), line);
}
