/** What every inference request needs of the engine. Types only. */
import type { Inference } from '../core/gateway.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Dispatch } from './upstream.ts';

export interface ProxyPorts {
  readonly inference: Inference;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly log: Log;
  /** Bodies were refused lately, because others take the memory for them. */
  readonly isMemoryShort: () => boolean;
}
