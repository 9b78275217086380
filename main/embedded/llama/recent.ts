/** A cache of the most recent results, limited by the characters of its keys. No I/O. */

export class Recent<Value> {
  readonly #made = new Map<string, Value>();
  readonly #mostCharacters: number;
  #characters = 0;

  constructor(mostCharacters: number) {
    this.#mostCharacters = mostCharacters;
  }

  /** What was made of this key before, or is made now. What throws is made again the next time. */
  get(key: string, make: () => Value): Value {
    const known = this.#made.get(key);
    const value = known ?? make();
    this.#made.delete(key);
    this.#made.set(key, value);
    if (known === undefined) this.#characters += key.length;
    for (const oldest of this.#made.keys()) {
      if (this.#characters <= this.#mostCharacters || oldest === key) break;
      this.#made.delete(oldest);
      this.#characters -= oldest.length;
    }
    return value;
  }
}
