/**
 * Passes a runtime's event stream to a client in whole events, otherwise unchanged. If we requested
 * the usage and the client did not, the usage event is left out, so that the client sees what it
 * asked for. Owns the buffer of a partial event; knows no sockets.
 */
import { NO_USAGE, Tail, type TokenUsage, usageOf } from './usage.ts';

/** An event is a few hundred bytes; one without end is passed on as it comes (I10). */
const MOST_HELD_BYTES = 1024 * 1024;
const USAGE = '"usage"';

export class StreamEvents {
  readonly #keepsUsage: boolean;
  readonly #out: (bytes: Buffer) => void;
  readonly #tail = new Tail();
  #held: Buffer[] = [];
  #heldBytes = 0;
  #usage = NO_USAGE;

  /** @param keepsUsage the event of the usage is for us alone. */
  constructor(keepsUsage: boolean, out: (bytes: Buffer) => void) {
    this.#keepsUsage = keepsUsage;
    this.#out = out;
  }

  push(chunk: Buffer): void {
    const end = endOfLastEvent(chunk) || endAcross(this.#held, chunk);
    if (end === chunk.length && this.#heldBytes === 0) return this.#pass(chunk);
    if (end > 0) {
      this.#hold(chunk.subarray(0, end));
      this.#passHeld();
    }
    if (end < chunk.length) this.#hold(chunk.subarray(end));
    if (this.#heldBytes > MOST_HELD_BYTES) this.#passHeld();
  }

  /** The runtime's answer is over: what is left goes on as it is. */
  end(): TokenUsage {
    if (this.#heldBytes > 0) this.#passHeld();
    return this.#keepsUsage ? this.#usage : this.#tail.usage();
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #passHeld(): void {
    const bytes = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    this.#pass(bytes);
  }

  #pass(bytes: Buffer): void {
    if (!this.#keepsUsage) {
      this.#tail.push(bytes);
      this.#out(bytes);
      return;
    }
    // Inside a text the quotes would be escaped: this finds the field alone, in one event of a
    // stream.
    if (!bytes.includes(USAGE)) return this.#out(bytes);
    const kept = bytes
      .toString()
      .split(/(?<=\n\r?\n)/)
      .filter((event) => !this.#isUsageAlone(event))
      .join('');
    if (kept !== '') this.#out(Buffer.from(kept));
  }

  /** Reads the usage off an event. @returns whether it tells nothing else. */
  #isUsageAlone(event: string): boolean {
    const json = /^data:(.*)$/m.exec(event)?.[1];
    if (json === undefined || !json.includes(USAGE)) return false;
    const chunk = parsed(json);
    const { usage } = chunk;
    if (typeof usage !== 'object' || usage === null) return false;
    this.#usage = usageOf(usage);
    return Array.isArray(chunk.choices) && chunk.choices.length === 0;
  }
}

interface Chunk {
  readonly choices?: unknown;
  readonly usage?: object | null;
}

function parsed(json: string): Chunk {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** The same where the blank line began in what is held. */
function endAcross(held: readonly Buffer[], chunk: Buffer): number {
  if (held.length === 0) return 0;
  const last = Buffer.concat(held.slice(-2)).subarray(-2);
  return Math.max(0, endOfLastEvent(Buffer.concat([last, chunk.subarray(0, 2)])) - last.length);
}

/** How many bytes belong to whole events: up to the last blank line; 0 without one. */
function endOfLastEvent(bytes: Buffer): number {
  const at = bytes.lastIndexOf('\n\n');
  if (at !== -1) return at + 2;
  const windows = bytes.lastIndexOf('\n\r\n');
  return windows === -1 ? 0 : windows + 3;
}
