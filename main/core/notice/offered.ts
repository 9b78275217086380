/**
 * A model as a server of others offers it. Types only: the registry and what looks at such servers
 * meet here.
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
