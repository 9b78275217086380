/**
 * Terminal input in which a pasted text arrives as one line. The terminal marks a paste (bracketed
 * paste); line ends inside the paste are replaced by placeholders until the whole line is read.
 */
import { Transform, type TransformCallback } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ReadStream } from 'node:tty';

const BEGIN = '\u001b[200~';
const END = '\u001b[201~';
/** Stands for a line end while a line is edited: one cell wide, and on hardly any keyboard. */
const MARK = '↵';

export const PASTE_ON = '\u001b[?2004h';
export const PASTE_OFF = '\u001b[?2004l';

/** What a person pasted, with its line ends again. */
export function withLineEnds(line: string): string {
  return line.replaceAll(MARK, '\n');
}

export class PastedInput extends Transform {
  readonly isTTY = true;
  readonly #terminal: Pick<ReadStream, 'setRawMode'>;
  readonly #decoder = new StringDecoder('utf8');
  #isPasting = false;
  /** What may be the beginning of a mark. */
  #rest = '';

  constructor(terminal: Pick<ReadStream, 'setRawMode'>) {
    super();
    this.#terminal = terminal;
  }

  /** Asked for by readline. */
  setRawMode(isRaw: boolean): this {
    this.#terminal.setRawMode(isRaw);
    return this;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    let text = this.#rest + this.#decoder.write(chunk);
    this.#rest = '';
    let out = '';
    while (text !== '') {
      const mark = this.#isPasting ? END : BEGIN;
      const at = text.indexOf(mark);
      if (at === -1) {
        const held = heldBack(text, mark);
        out += this.#shown(text.slice(0, text.length - held));
        this.#rest = text.slice(text.length - held);
        break;
      }
      out += this.#shown(text.slice(0, at));
      this.#isPasting = !this.#isPasting;
      text = text.slice(at + mark.length);
    }
    done(null, out === '' ? undefined : out);
  }

  #shown(text: string): string {
    return this.#isPasting ? text.replaceAll(/\r\n|\r|\n/g, MARK).replaceAll('\t', '  ') : text;
  }
}

/**
 * Characters at the end that may go on to be the mark. A lone escape waits too: it does nothing
 * here by itself.
 */
function heldBack(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}
