/**
 * Comments in an event stream, sent while a client waits, so that neither the client nor a proxy
 * closes a silent connection. Owns their timing and form; the exchange chooses the text.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../core/ports.ts';
import type { Headers } from './respond.ts';

/**
 * So long after its request the head of a stream leaves at the latest. Until then a failure has a
 * status of its own, so a runtime that has the request gets a little longer: it answers at once, or
 * refuses.
 */
export const WAITING_HEAD_MS = 250;
export const SILENT_HEAD_MS = 1_000;
/**
 * Often enough for those that give up after silence; go-openai gives up after 300 lines without
 * data, which are 15 minutes of these.
 */
const NEXT_COMMENT_MS = 3_000;

/**
 * A line that clients skip. No blank line behind it: openai-go takes that for the end of an event,
 * and an event without data breaks it.
 */
function writeComment(response: ServerResponse, text: string): void {
  response.write(`: ${text.replaceAll(/[\r\n]+/g, ' ')}\n`);
}

/** What a head would have told, had it not left before that was known. */
export function commentHeaders(response: ServerResponse, headers: Headers): void {
  const facts = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  writeComment(response, facts.join(', '));
}

export class Comments {
  readonly #clock: Clock;
  readonly #response: ServerResponse;
  readonly #begin: () => void;
  readonly #says: () => string;
  #cancel: (() => void) | null = null;

  /** @param begin sends the head, unless it is out. */
  constructor(clock: Clock, response: ServerResponse, begin: () => void, says: () => string) {
    this.#clock = clock;
    this.#response = response;
    this.#begin = begin;
    this.#says = says;
  }

  /** The first one in so many milliseconds, in place of what was planned. */
  startIn(ms: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(ms, () => {
      this.#begin();
      // A client that does not even read comments gets no more of them heaped up.
      if (!this.#response.writableNeedDrain) writeComment(this.#response, this.#says());
      this.startIn(NEXT_COMMENT_MS);
    });
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
