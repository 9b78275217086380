/**
 * Maps a name from a request or a user to a model id; no other file does. Owns the index of names;
 * no I/O.
 *
 * Exact names come first. Then other spellings of the name count, if only one model matches:
 * composed or decomposed letters, upper or lower case, `.gguf` or `:latest` at the end, dashes for
 * spaces and brackets. A name that matches two models resolves to none.
 */

/**
 * Longer than any name there is: `owner/model` and a suffix. What a stranger sends is not
 * normalised beyond it (I10).
 */
const MOST_CHARACTERS = 1024;
/** What people leave out or add without meaning another model. */
const SUFFIX = /(?:\.gguf|:latest)$/i;

export class NameIndex {
  readonly #exact = new Map<string, string>();
  readonly #spelled = new Map<string, Set<string>>();

  /**
   * @param names the id first, then its aliases; an alias that another model has as its id, or had
   * first, stays with that one.
   */
  add(id: string, names: readonly string[]): void {
    for (const name of names) {
      if (name === id || !this.#exact.has(name)) this.#exact.set(name, id);
      for (const key of spellings(name)) {
        const ids = this.#spelled.get(key);
        if (ids === undefined) this.#spelled.set(key, new Set([id]));
        else ids.add(id);
      }
    }
  }

  remove(id: string, names: readonly string[]): void {
    for (const name of names) {
      if (this.#exact.get(name) === id) this.#exact.delete(name);
      for (const key of spellings(name)) {
        const ids = this.#spelled.get(key);
        ids?.delete(id);
        if (ids?.size === 0) this.#spelled.delete(key);
      }
    }
  }

  /** By this very name; null: nobody is called so. */
  exactly(name: string): string | null {
    return this.#exact.get(name) ?? null;
  }

  /** By another spelling of the name; null: nobody is called so, or more than one. */
  spelled(name: string): string | null {
    if (name.length > MOST_CHARACTERS) return null;
    return this.#only(name) ?? (SUFFIX.test(name) ? this.#withoutSuffix(name.replace(SUFFIX, '')) : null);
  }

  *names(): IterableIterator<string> {
    yield* this.#exact.keys();
  }

  #withoutSuffix(name: string): string | null {
    return this.exactly(name) ?? this.#only(name);
  }

  #only(name: string): string | null {
    const composed = this.exactly(name.normalize('NFC'));
    if (composed !== null) return composed;
    for (const key of spellings(name)) {
      const [id, ...others] = this.#spelled.get(key) ?? [];
      if (id !== undefined) return others.length === 0 ? id : null;
    }
    return null;
  }
}

/**
 * Keys under which a name is found, the closest first. They never meet: each begins with its own
 * letter.
 */
function spellings(name: string): readonly string[] {
  const folded = foldedName(name);
  return [`c${folded}`, `d${folded.replace(/[^\p{L}\p{M}\p{N}/:]+/gu, '-').replace(/^-|-$/g, '')}`];
}

/** The same text for a name in upper and lower case, and with composed and decomposed letters. */
export function foldedName(name: string): string {
  return name.length > MOST_CHARACTERS ? name : name.normalize('NFC').toLowerCase();
}
