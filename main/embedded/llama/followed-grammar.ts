/**
 * Follows an answer through its grammar beside llama.cpp: an answer that llama.cpp could not follow
 * any more fails by itself, and holds up no other. Owns the place of one answer.
 */
import { OpenPlaces, rulesOf, TooManyPlaces } from '../grammar/open-places.ts';
import { invalid } from '../requests/openai-fields.ts';

export class FollowedGrammar {
  readonly #places: OpenPlaces;
  /** A character may be spread over several tokens. */
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @param grammar one that was checked when its request was prepared. */
  constructor(grammar: string) {
    this.#places = new OpenPlaces(rulesOf(grammar));
  }

  /** @throws ModeliumError invalid-body. */
  token(bytes: readonly number[]): void {
    try {
      this.#places.accept(this.#decoder.decode(Uint8Array.from(bytes), { stream: true }));
    } catch (error) {
      if (!(error instanceof TooManyPlaces)) throw error;
      throw invalid(null, `The grammar or JSON schema of this answer cannot be carried out: ${error.message}.`);
    }
  }
}
