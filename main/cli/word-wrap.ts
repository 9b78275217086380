/**
 * Wraps streamed text at words, so that a terminal line ends between two of them. Lines inside a
 * code fence are left unchanged.
 */

const FENCE = /^\s*(```|~~~)/;

/** Null where it goes to no terminal: a file gets the answer as it is. */
export function wrapFor(output: object): WordWrap | null {
  const { isTTY, columns } = output as { readonly isTTY?: boolean; readonly columns?: number };
  return isTTY === true && columns !== undefined ? new WordWrap(() => (output as { readonly columns: number }).columns) : null;
}

export class WordWrap {
  readonly #columns: () => number;
  #column = 0;
  /** Of the line that is written: to see whether it opens or closes a fence. */
  #line = '';
  #word = '';
  #isCode = false;

  /** @param columns of the terminal now; it may be resized. */
  constructor(columns: () => number) {
    this.#columns = columns;
  }

  /** What can be written of it now: the last word may go on. */
  push(text: string): string {
    let out = '';
    for (const letter of text) {
      if (letter === '\n') {
        out += `${this.#flush()}\n`;
        if (FENCE.test(this.#line)) this.#isCode = !this.#isCode;
        this.#line = '';
        this.#column = 0;
      } else if (letter === ' ' || letter === '\t') {
        out += this.#flush();
        out += letter;
        this.#column += 1;
        this.#line += letter;
      } else {
        this.#word += letter;
      }
    }
    return out;
  }

  /** The rest. */
  end(): string {
    return this.#flush();
  }

  #flush(): string {
    const word = this.#word;
    if (word === '') return '';
    this.#word = '';
    const cells = cellsOf(word);
    const breaks = !this.#isCode && !FENCE.test(this.#line + word) && this.#column > 0 && this.#column + cells > this.#columns();
    this.#column = breaks ? cells : this.#column + cells;
    this.#line += word;
    return breaks ? `\n${word}` : word;
  }
}

/**
 * East Asian letters and pictures take two cells; they have no spaces to break at, and a terminal
 * breaks them well by itself.
 */
function cellsOf(word: string): number {
  return Array.from(word).length;
}
