/**
 * A server that Modelium does not run. Checks its list of models repeatedly, less often while the
 * server is away and never twice in quick succession, and notifies its models when it is away or no
 * longer offers them. Never starts, restarts or ends it.
 */
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { NodeView } from '../../shared/snapshot.ts';
import type { Log } from '../core/ports.ts';
import type { ProcessIdentity } from '../core/process-ports.ts';
import type { Explanation, ForeignFacts, ForeignStatus } from './adapter.ts';
import { runCalls } from './call-host.ts';
import { LastOutput } from './last-output.ts';
import type { Guest, SharedServer } from './shared-host.ts';
import type { Activity } from './stall-watch.ts';
import { NO_ACTIVITY, type StepPorts } from './steps.ts';

export interface ForeignPorts extends StepPorts {
  readonly log: Log;
}

/** Between two looks at one that is there. */
const THERE_MS = 15_000;
const AWAY_FIRST_MS = 2_000;
const AWAY_LONGEST_MS = 60_000;
/**
 * Requests that failed, or that want one that is away, may ask for a look at once, but not more
 * often than this.
 */
const LEAST_THERE_MS = 100;
const LEAST_AWAY_MS = 2_000;
/** An answer that took longer is told. */
const SLOW_MS = 3_000;

export class ForeignServer implements SharedServer {
  readonly isForeign = true;
  readonly output = new LastOutput();
  readonly facts: ForeignFacts;
  readonly #ports: ForeignPorts;
  readonly #onStatus: (status: ForeignStatus) => void;
  readonly #guests = new Set<Guest>();
  readonly #closed = new AbortController();
  #status: ForeignStatus | null = null;
  #nodes: readonly NodeView[] = [];
  #answerMs = 0;
  #failures = 0;
  #isChecking = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => {};

  constructor(ports: ForeignPorts, facts: ForeignFacts, onStatus: (status: ForeignStatus) => void) {
    this.#ports = ports;
    this.facts = facts;
    this.#onStatus = onStatus;
  }

  /** Null before its first answer. */
  get status(): ForeignStatus | null {
    return this.#status;
  }

  get nodes(): readonly NodeView[] {
    return this.#status?.isThere === true ? this.#nodes : [];
  }

  /** A sentence where it answers, but late; null where there is nothing to say. */
  get note(): string | null {
    return this.#status?.isThere === true && this.#answerMs >= SLOW_MS
      ? `${this.facts.where} answers slowly: its list of models took ${(this.#answerMs / 1000).toFixed(0)} s`
      : null;
  }

  get explanation(): Explanation | null {
    if (this.#status?.isThere === true) return null;
    const message = this.#status?.why ?? `${this.facts.where} has not answered yet.`;
    return { code: 'runtime-exited', message, permanent: false, retryWith: null };
  }

  /** Whoever asks again is answered from the last look: nobody waits for a back-off. */
  get retryAtMs(): number {
    return this.#ports.clock.now();
  }

  pids(): readonly number[] {
    return [];
  }

  activity(): Activity {
    return NO_ACTIVITY;
  }

  residentByPid(): ReadonlyMap<number, number> {
    return new Map();
  }

  async enter(guest: Guest): Promise<Endpoint> {
    const status = this.#status;
    if (status?.isThere !== true) throw new ModeliumError('runtime-exited', this.explanation?.message ?? '');
    this.#guests.add(guest);
    return status.endpoint;
  }

  settled(): void {}

  async leave(guest: Guest): Promise<readonly ProcessIdentity[]> {
    this.#guests.delete(guest);
    return [];
  }

  write(): string {
    throw new Error('A server elsewhere has no folder of Modelium.');
  }

  hung(): void {
    this.checkNow();
  }

  /** It is not ours to restart: whoever runs it has to know. */
  recycle(why?: ModeliumError): void {
    if (why !== undefined) this.#ports.log.warn(why.message);
  }

  /** Looks as soon as that is no storm: it was just named, or a request to it failed. */
  checkNow(): void {
    if (this.#isChecking || this.#closed.signal.aborted) return;
    const { clock } = this.#ports;
    this.#cancel();
    const leastMs = this.#status?.isThere === false ? LEAST_AWAY_MS : LEAST_THERE_MS;
    const waitMs = Math.max(0, this.#lastMs + leastMs - clock.now());
    this.#cancel = clock.after(waitMs, () => void this.#ask());
  }

  /** It is followed no more. @param why a sentence for the models that live in it. */
  close(why: string): void {
    this.#closed.abort();
    this.#cancel();
    this.#status = { isThere: false, why, help: '', offers: [] };
    this.#breakGuests();
  }

  async #ask(): Promise<void> {
    const { clock, log } = this.#ports;
    this.#isChecking = true;
    this.#lastMs = clock.now();
    const status = await runCalls(this.#ports, `Looking at ${this.facts.where}`, this.facts.check(), this.#closed.signal).catch(
      (thrown): ForeignStatus => ({ isThere: false, why: toModeliumError(thrown).message, help: '', offers: this.#status?.offers ?? [] }),
    );
    this.#isChecking = false;
    if (this.#closed.signal.aborted) return;
    this.#answerMs = clock.now() - this.#lastMs;
    const before = this.#status;
    this.#status = status;
    if (status.isThere) this.#nodes = status.nodes ?? this.#nodes;
    if (status.isThere) this.#failures = 0;
    else this.#failures += 1;
    const waitMs = status.isThere ? THERE_MS : Math.min(AWAY_LONGEST_MS, AWAY_FIRST_MS * 2 ** (this.#failures - 1));
    this.#cancel = clock.after(waitMs, () => void this.#ask());
    if (status.isThere && status.loaded !== undefined) this.#missLost(status.loaded);
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    const models = status.isThere ? status.offers.length : 0;
    if (!status.isThere && (before?.isThere ?? true)) log.warn(status.why);
    else if (status.isThere && before?.isThere !== true) log.say(`${this.facts.where} offers ${models} model${models === 1 ? '' : 's'}`);
    // First what is known of it: who hears that it breaks asks for the reason.
    if (!status.isThere) this.#breakGuests();
    this.#onStatus(status);
  }

  /**
   * Somebody else took them out, or they ended there for good. One that is being loaded is looked
   * after by its load.
   */
  #missLost(loaded: readonly string[]): void {
    for (const guest of [...this.#guests.keys()]) {
      if (guest.model !== null && !loaded.includes(guest.model)) guest.breaks('lost');
    }
  }

  #breakGuests(): void {
    for (const guest of [...this.#guests.keys()]) guest.breaks('away');
  }
}
