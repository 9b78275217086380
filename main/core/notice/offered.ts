/**
 * A model that a remote server offers. Types only: the registry and the code that checks such
 * servers share them.
 */
import type { ModelKind } from '../../../shared/profile.ts';

/** Its words are a stranger's: bounded and cleaned before they get here. */
export interface OfferedModel {
  /** As the server calls it, and as it is to be called here. */
  readonly model: string;
  readonly name: string;
  readonly kind: ModelKind;
  readonly contextTokens: number | null;
  /** A sentence: why it cannot be asked now; null: it can. */
  readonly problem: string | null;
}
