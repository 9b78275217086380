/**
 * Looks once a second for models that nobody uses: puts them to sleep where they can, unloads them
 * when their time is up. Owns that one timer; who is idle, and for how long, are the evictor's and
 * the usage's matters.
 */
import type { StateOf } from '../../../shared/model.ts';
import type { Settings } from '../../../shared/settings.ts';
import { told } from '../decide/reasoned.ts';
import type { DecisionBook } from '../decision-book.ts';
import type { Doer } from '../doer.ts';
import type { Clock, Log } from '../ports.ts';
import { type Registry, stateOf } from '../registry.ts';
import { idleSentence, sleepSentence } from '../sentences.ts';
import type { Usage } from '../usage.ts';
import type { Devices } from './devices.ts';
import { idleDue, type Resident, sleepDue } from './evictor.ts';
import { type ResidentFacts, residents } from './residents.ts';

export interface IdlenessPorts {
  readonly registry: Registry;
  readonly devices: Devices;
  readonly usage: Usage;
  readonly doer: Doer;
  readonly book: DecisionBook;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: ResidentFacts;
  settings(): Settings;
}

const LOOK_MS = 1_000;

export class Idleness {
  readonly #ports: IdlenessPorts;
  #closed = false;
  #cancelLook: (() => void) | null = null;

  constructor(ports: IdlenessPorts) {
    this.#ports = ports;
  }

  /** Somebody is ready. @param atOnce its time may be up this very moment. */
  follow(atOnce: boolean): void {
    if (atOnce) this.look();
    if (!this.#closed) this.#cancelLook ??= this.#ports.clock.after(LOOK_MS, () => this.look());
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
  }

  /**
   * Unloads what nobody used for long enough. Not on a device where a load runs: its profiling
   * counts what others give back.
   */
  look(): void {
    const { registry, doer, log, clock, usage, devices, settings } = this.#ports;
    this.#cancelLook?.();
    this.#cancelLook = null;
    if (this.#closed) return;
    const ready = residents(this.#ports.facts).filter(({ state }) => state === 'ready' || state === 'asleep');
    const loading = new Set(devices.rooms().flatMap((room) => (room.loading === null ? [] : [room.id])));
    for (const { modelId, idleMs } of idleDue(ready, settings().orchestration.policies, clock.now())) {
      const record = registry.get(modelId);
      const state = stateOf(record, 'ready') ?? stateOf(record, 'asleep');
      if (state === null || devicesOf(state).some((device) => loading.has(device))) continue;
      const queriesPerSecond = usage.queriesPerSecond(modelId, clock.now());
      const sentence = idleSentence(modelId, idleMs, queriesPerSecond);
      this.#ports.book.write(modelId, 'evict', 'idle', told({ cause: { kind: 'idle', idleMs, queriesPerSecond }, facts: [] }), [], {
        idleMs,
      });
      log.say(sentence);
      void doer.unloadModel(modelId, 'idle', { to: 'unloaded', reason: 'idle' });
    }
    this.#sleepIdle(ready, loading);
    if (ready.length > 0) this.#cancelLook ??= clock.after(LOOK_MS, () => this.look());
  }

  /** A tier before leaving: the weights wait in main memory, where there is room for them. */
  #sleepIdle(ready: readonly Resident[], loading: ReadonlySet<string>): void {
    const { registry, doer, log, clock, devices, settings } = this.#ports;
    for (const { modelId, idleMs } of sleepDue(ready, settings().orchestration.policies, clock.now())) {
      const record = registry.get(modelId);
      const state = stateOf(record, 'ready');
      if (state === null || !doer.canSleep(modelId) || state.devices.some((device) => loading.has(device))) continue;
      const room = devices.rooms().find(({ kind }) => kind === 'host')?.availableBytes ?? 0;
      if ((record?.profile?.weightBytes ?? 0) > room) continue;
      const sentence = sleepSentence(modelId, idleMs);
      const decisionId = this.#ports.book.write(modelId, 'sleep', 'idle', told({ cause: { kind: 'sleeps', idleMs }, facts: [] }), [], {
        idleMs,
      });
      log.say(sentence);
      void doer.sleepModel(modelId, decisionId);
    }
  }
}

function devicesOf(state: StateOf<'ready'> | StateOf<'asleep'>): readonly string[] {
  return state.name === 'ready' ? state.devices : Object.keys(state.held);
}
