/**
 * Checks once a second for idle models: puts them to sleep if they can, and unloads them when their
 * idle time is over. Owns that timer. The evictor and the usage say which models are idle, and for
 * how long.
 */
import type { StateOf } from '../../../shared/model.ts';
import type { Settings } from '../../../shared/settings.ts';
import { withSentence } from '../decide/reasoned.ts';
import type { DecisionLog } from '../decision-log.ts';
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
  readonly decisionLog: DecisionLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: ResidentFacts;
  settings(): Settings;
}

const CHECK_MS = 1_000;

export class Idleness {
  readonly #ports: IdlenessPorts;
  #closed = false;
  #cancelCheck: (() => void) | null = null;

  constructor(ports: IdlenessPorts) {
    this.#ports = ports;
  }

  /** Somebody is ready. @param atOnce its time may be up this very moment. */
  follow(atOnce: boolean): void {
    if (atOnce) this.check();
    if (!this.#closed) this.#cancelCheck ??= this.#ports.clock.after(CHECK_MS, () => this.check());
  }

  close(): void {
    this.#closed = true;
    this.#cancelCheck?.();
  }

  /**
   * Unloads what nobody used for long enough. Not on a device where a load runs: its profiling
   * counts what others give back.
   */
  check(): void {
    const { registry, doer, log, clock, usage, devices, settings } = this.#ports;
    this.#cancelCheck?.();
    this.#cancelCheck = null;
    if (this.#closed) return;
    const ready = residents(this.#ports.facts).filter(({ state }) => state === 'ready' || state === 'asleep');
    const loading = new Set(devices.rooms().flatMap((room) => (room.loading === null ? [] : [room.id])));
    for (const { modelId, idleMs } of idleDue(ready, settings().orchestration.policies, clock.now())) {
      const record = registry.get(modelId);
      const state = stateOf(record, 'ready') ?? stateOf(record, 'asleep');
      if (state === null || devicesOf(state).some((device) => loading.has(device))) continue;
      const queriesPerSecond = usage.queriesPerSecond(modelId, clock.now());
      const sentence = idleSentence(modelId, idleMs, queriesPerSecond);
      this.#ports.decisionLog.write(
        modelId,
        'evict',
        'idle',
        withSentence({ cause: { kind: 'idle', idleMs, queriesPerSecond }, facts: [] }),
        [],
        {
          idleMs,
        },
      );
      log.say(sentence);
      void doer.unloadModel(modelId, 'idle', { to: 'unloaded', reason: 'idle' });
    }
    this.#sleepIdle(ready, loading);
    if (ready.length > 0) this.#cancelCheck ??= clock.after(CHECK_MS, () => this.check());
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
      const decisionId = this.#ports.decisionLog.write(
        modelId,
        'sleep',
        'idle',
        withSentence({ cause: { kind: 'sleeps', idleMs }, facts: [] }),
        [],
        {
          idleMs,
        },
      );
      log.say(sentence);
      void doer.sleepModel(modelId, decisionId);
    }
  }
}

function devicesOf(state: StateOf<'ready'> | StateOf<'asleep'>): readonly string[] {
  return state.name === 'ready' ? state.devices : Object.keys(state.held);
}
