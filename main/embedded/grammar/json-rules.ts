/** The interface through which object and array rules get the rules of their values. Types only. */
import type { GrammarText } from './grammar-text.ts';
import type { SchemaMerger } from './schema-merge.ts';

export interface ValueRules {
  readonly grammar: GrammarText;
  readonly merger: SchemaMerger;
  /**
   * @returns the name of a rule for such a value. @param at where in the schema it stands, for
   * refusals.
   */
  value(schema: unknown, at: string): string;
  /** What may stand between two parts. */
  space(): string;
  /** A pair of an object. @param key its rule, or a text of the notation. */
  pair(key: string, value: string): string;
}
