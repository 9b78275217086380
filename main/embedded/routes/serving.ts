/**
 * The state that the routes share: the loaded model, its name, and the turns in which requests use
 * it.
 */

import type { Purpose } from '../llama/purpose.ts';
import type { Sequence } from '../llama/sequence.ts';
import type { Slots } from '../llama/slots.ts';
import type { Prepared, PreparedRoute, TextSide } from '../requests/prepared.ts';

export interface Serving extends TextSide {
  /**
   * From a request's bytes to what the model reads, without holding up those who generate. @throws
   * ModeliumError.
   */
  prepare(route: PreparedRoute, body: Buffer, signal: AbortSignal): Promise<Prepared>;
  readonly purpose: Purpose;
  /** Sequences; one slot without a sequence where none are generated with. */
  readonly slots: Slots<Sequence | null>;
}
