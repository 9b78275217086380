/** What the routes serve: the loaded model, its name, and who may use it when. */
import type { ChatTemplate } from './chat-template.ts';
import type { LoadedModel } from './llama.ts';
import type { Prepared, PreparedRoute } from './preparing.ts';
import type { Purpose } from './purpose.ts';
import type { Sequence } from './sequence.ts';
import type { Slots } from './slots.ts';

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
