/**
 * A queue in which callers take turns, so that a caller with many entries does not delay the
 * others.
 */
export class Turns<Item> {
  /** The first one is next, and goes behind the others with its turn. */
  readonly #byCaller = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** So many of this caller wait. */
  of(caller: string): number {
    return this.#byCaller.get(caller)?.length ?? 0;
  }

  add(caller: string, item: Item): void {
    const own = this.#byCaller.get(caller);
    if (own === undefined) this.#byCaller.set(caller, [item]);
    else own.push(item);
    this.#size += 1;
  }

  /** Takes the next one out; null: nobody waits. */
  take(): Item | null {
    const [first] = this.#byCaller;
    if (first === undefined) return null;
    const [caller, own] = first;
    this.#byCaller.delete(caller);
    const item = own.shift();
    if (own.length > 0) this.#byCaller.set(caller, own);
    this.#size -= 1;
    return item ?? null;
  }

  /** @returns false: it has had its turn. */
  remove(caller: string, item: Item): boolean {
    const own = this.#byCaller.get(caller) ?? [];
    const at = own.indexOf(item);
    if (at < 0) return false;
    own.splice(at, 1);
    if (own.length === 0) this.#byCaller.delete(caller);
    this.#size -= 1;
    return true;
  }
}
