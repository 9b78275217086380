/**
 * Typed look-ups in a GGUF's metadata. A value of the wrong type counts as absent: the analyzer
 * describes what is there and trusts nothing.
 */
import type { MetadataArray, MetadataValue } from './gguf.ts';

export class GgufFacts {
  readonly #metadata: ReadonlyMap<string, MetadataValue>;
  readonly architecture: string;

  constructor(metadata: ReadonlyMap<string, MetadataValue>) {
    this.#metadata = metadata;
    this.architecture = this.text('general.architecture') ?? 'unknown';
  }

  text(key: string): string | null {
    const value = this.#metadata.get(key);
    return typeof value === 'string' && value !== '' ? value : null;
  }

  /** A finite number that is not negative. */
  number(key: string): number | null {
    const value = this.#metadata.get(key);
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
  }

  array(key: string): MetadataArray | null {
    const value = this.#metadata.get(key);
    return typeof value === 'object' ? value : null;
  }

  has(key: string): boolean {
    return this.#metadata.has(key);
  }

  /** `architecture.key` as a number; of a list with one value per layer the largest. */
  own(key: string): number | null {
    const perLayer = this.array(`${this.architecture}.${key}`)?.numbers ?? null;
    if (perLayer !== null) return perLayer.reduce<number | null>((most, value) => (value > (most ?? -1) ? value : most), null);
    return this.number(`${this.architecture}.${key}`);
  }

  /**
   * `architecture.key` for each of the layers: a list as it stands, a single number for all of
   * them.
   */
  perLayer(key: string, layers: number): readonly number[] | null {
    // The number of layers comes from the file, where it may be a fraction.
    if (!Number.isSafeInteger(layers)) return null;
    const list = this.array(`${this.architecture}.${key}`)?.numbers ?? null;
    if (list !== null) return Array.from({ length: layers }, (_, layer) => Math.max(0, list[layer] ?? list.at(-1) ?? 0));
    const single = this.number(`${this.architecture}.${key}`);
    return single === null ? null : new Array<number>(layers).fill(single);
  }
}
