/** What the routes serve: the loaded model, its name, and who may use it when. */

import type { LoadedModel } from '../llama/llama.ts';
import type { Purpose } from '../llama/purpose.ts';
import type { Sequence } from '../llama/sequence.ts';
import type { Slots } from '../llama/slots.ts';
import type { ChatTemplate } from '../requests/chat-template.ts';
import type { Prepared, PreparedRoute } from '../requests/preparing.ts';

export interface Serving {
  /** From a request's bytes to what the model reads, without holding up those who generate. @throws ModeliumError. */
  prepare(route: PreparedRoute, body: Buffer, signal: AbortSignal): Promise<Prepared>;
  readonly alias: string;
  readonly model: LoadedModel;
  readonly template: ChatTemplate;
  readonly purpose: Purpose;
  /** Sequences; one slot without a sequence where none are generated with. */
  readonly slots: Slots<Sequence | null>;
}
