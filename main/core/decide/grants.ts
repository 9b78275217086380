/**
 * Goes through the waiting models in the admission's order and grants loads. Decision and memory
 * reservation happen in the same event-loop turn, so that no memory is promised twice. A model that
 * has to wait holds back only those that want the same devices.
 */
import type { Decision } from '../../../shared/decision.ts';
import { assertNever } from '../../../shared/errors.ts';
import type { Cause } from '../../../shared/reason.ts';
import { headlineOf, placeOf } from '../../../shared/reason-words.ts';
import type { Admission } from '../admission.ts';
import type { DecisionLog } from '../decision-log.ts';
import type { Doer } from '../doer.ts';
import { type Devices, slotsOf } from '../memory/devices.ts';
import type { Clock, Log } from '../ports.ts';
import { type ModelRecord, type Registry, stateOf } from '../registry.ts';
import { convertingSentence, decisionSentence } from '../sentences.ts';
import type { Usage } from '../usage.ts';
import type { Questions } from './questions.ts';
import { type Reasoned, withSentence } from './reasoned.ts';

export interface GrantsPorts {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly devices: Devices;
  readonly usage: Usage;
  readonly questions: Questions;
  readonly decisionLog: DecisionLog;
  readonly doer: Doer;
  readonly clock: Clock;
  readonly log: Log;
  refuse(record: ModelRecord, decision: Extract<Decision, { kind: 'refuse' }>): void;
  /** That model is other than before. */
  wake(id: string): void;
}

export class Grants {
  readonly #ports: GrantsPorts;

  constructor(ports: GrantsPorts) {
    this.#ports = ports;
  }

  /** @returns whether somebody still waits. */
  grantQueued(): boolean {
    const { admission, registry } = this.#ports;
    const heldBack = new Set<string>();
    let waiting = false;
    for (const id of admission.order()) {
      const record = registry.get(id);
      if (stateOf(record, 'queued') === null || record === undefined) continue;
      this.#tryGrant(record, heldBack);
      waiting ||= stateOf(registry.get(id), 'queued') !== null;
    }
    return waiting;
  }

  #tryGrant(record: ModelRecord, heldBack: Set<string>): void {
    const { admission, doer } = this.#ports;
    const { id } = record;
    const decision = this.#ports.questions.ask(record, 'present');
    switch (decision.kind) {
      case 'place': {
        if (decision.candidate.plan.base !== undefined) return this.#attach(record, decision);
        if (!doer.isPrepared(record, decision.candidate.plan)) return this.#prepare(record, decision);
        const wanted = slotsOf(decision.candidate.plan.placement);
        const free = wanted.every((device) => !heldBack.has(device));
        if (free && this.#grant(record, decision)) return;
        for (const device of wanted) heldBack.add(device);
        this.#endLeftOver(record, wanted);
        return this.#moved(record, withSentence({ cause: { kind: 'waits-for-turn', turn: 'load' }, facts: [] }));
      }
      case 'wait':
        if (decision.base !== undefined) return this.#bringBase(record, decision.base, decision);
        if (!admission.mayEvict(id) && decision.lacksRoom !== false) {
          return this.#rest(record, { kind: 'rests', place: placeOf(decision.because.cause), base: null }, decision);
        }
        for (const device of decision.devices) heldBack.add(device);
        this.#endLeftOver(record, decision.devices);
        return this.#moved(record, decision);
      case 'refuse':
        // Its place is somebody else's: it is ended, and asks again like any other.
        if (stateOf(record, 'queued')?.asleep != null) return void doer.unloadModel(id, 'memory', { to: 'analyzed' });
        return this.#ports.refuse(record, decision);
      default:
        return assertNever(decision);
    }
  }

  /**
   * What goes on though those who began it left gives way to somebody who waits. @param wanted
   * devices, or the one conversion at a time.
   */
  #endLeftOver(waiting: ModelRecord, wanted: readonly string[] | 'conversion'): void {
    const { admission, registry, doer } = this.#ports;
    if (!admission.mayEvict(waiting.id)) return;
    for (const { id, state } of registry.each()) {
      if (!admission.isLeftOver(id)) continue;
      const isBlocking =
        wanted === 'conversion'
          ? state.name === 'preparing'
          : state.name === 'loading' && wanted.some((device) => (state.predicted[device] ?? 0) > 0);
      if (!isBlocking) continue;
      admission.unwant(id, 'left');
      void doer.unloadModel(id, 'cancelled', { to: 'unloaded', reason: 'cancelled' });
    }
  }

  /** Content that nobody asked for takes free room only. */
  #rest({ id }: ModelRecord, cause: Cause, { because, candidates }: Extract<Decision, { kind: 'wait' }>): void {
    const { registry, admission, clock, decisionLog } = this.#ports;
    decisionLog.write(id, 'rest', 'no-free-room', withSentence({ cause, facts: because.facts }), candidates);
    admission.unwant(id);
    registry.apply(id, { type: 'rested', reason: 'no-free-room', atMs: clock.now() });
  }

  /**
   * Nothing is promised before it is there: it may take minutes, in which the memory serves others.
   */
  #prepare(record: ModelRecord, decision: Extract<Decision, { kind: 'place' }>): void {
    const { doer, log, decisionLog } = this.#ports;
    const { candidate, candidates, because } = decision;
    const type = candidate.plan.preparation?.type;
    const place = placeOf(because.cause);
    if (!doer.mayPrepare()) {
      this.#endLeftOver(record, 'conversion');
      return this.#moved(record, withSentence({ cause: { kind: 'waits-for-turn', turn: 'conversion' }, facts: [] }));
    }
    const why =
      place === null || type === undefined ? decision : withSentence({ cause: { kind: 'converts', place, type }, facts: because.facts });
    const decisionId = decisionLog.write(record.id, 'prepare', 'converts', why, candidates, this.#inputsOf(decision));
    log.say(convertingSentence(record.id, candidate.plan));
    doer.prepare(record, candidate.plan, decisionId);
  }

  /** Into its base, which is ready: no memory is asked for, and no load slot. */
  #attach(record: ModelRecord, decision: Extract<Decision, { kind: 'place' }>): void {
    const { registry, doer, clock, decisionLog } = this.#ports;
    const { candidate, candidates } = decision;
    const decisionId = decisionLog.write(record.id, 'load', 'fits', decision, candidates, this.#inputsOf(decision));
    registry.apply(record.id, { type: 'granted', plan: candidate.plan, decisionId, predicted: {}, sinceMs: clock.now() });
    const granted = registry.get(record.id);
    if (granted !== undefined) doer.loadModel(granted, candidate, decisionId);
  }

  /**
   * Its base is wanted as much as it is itself. One that was started without LoRAs is started
   * again.
   */
  #bringBase(record: ModelRecord, baseId: string, decision: Extract<Decision, { kind: 'wait' }>): void {
    const { registry, admission, clock, doer, wake } = this.#ports;
    const rested = stateOf(registry.get(baseId), 'unloaded')?.reason === 'no-free-room';
    if (rested && !admission.mayEvict(record.id)) return this.#rest(record, { kind: 'rests', place: null, base: baseId }, decision);
    admission.want(baseId, admission.mayEvict(record.id) ? 'person' : 'content', clock.now());
    const name = registry.get(baseId)?.state.name;
    if (name === 'ready') void doer.unloadModel(baseId, 'launch-settings', { to: 'analyzed' });
    // Once: whoever is on its way needs no other word, and this is asked with every look at the
    // queue.
    if (name === 'unloaded' || name === 'asleep') wake(baseId);
    this.#moved(record, decision);
  }

  #inputsOf({ candidate, candidates }: Extract<Decision, { kind: 'place' }>): object {
    // By its place in the list: two candidates may need the same bytes of the same devices.
    return { devices: this.#ports.devices.rooms(), chosen: candidates.indexOf(candidate) };
  }

  #grant(record: ModelRecord, decision: Extract<Decision, { kind: 'place' }>): boolean {
    const { registry, devices, doer, clock, log, usage } = this.#ports;
    const { candidate } = decision;
    const { bytesNeeded: bytes, victims } = candidate;
    if (!devices.grant({ modelId: record.id, bytes, slots: slotsOf(candidate.plan.placement), victims })) return false;
    const decisionId = this.#ports.decisionLog.write(
      record.id,
      'load',
      candidate.victims.length > 0 ? 'evicts' : 'fits',
      decision,
      decision.candidates,
      this.#inputsOf(decision),
    );
    log.say(decisionSentence(record.id, candidate.plan.runtime, decision.reason));
    for (const victim of candidate.victims) {
      const idleMs = clock.now() - (usage.lastMs(victim) ?? 0);
      this.#ports.decisionLog.write(
        victim,
        'evict',
        'memory',
        withSentence({ cause: { kind: 'made-room', for: record.id }, facts: [] }),
        [],
        {
          for: record.id,
          idleMs,
        },
      );
    }
    registry.apply(record.id, {
      type: 'granted',
      plan: candidate.plan,
      decisionId,
      // Woken, it holds what it had before; only what it gave back was asked for.
      predicted: stateOf(record, 'queued')?.asleep?.awake ?? candidate.bytesNeeded,
      sinceMs: clock.now(),
    });
    const granted = registry.get(record.id);
    if (granted !== undefined) doer.loadModel(granted, candidate, decisionId);
    return true;
  }

  #moved(record: ModelRecord, { reason, because }: Reasoned): void {
    const queued = stateOf(this.#ports.registry.get(record.id), 'queued');
    if (queued === null || queued.why === reason) return;
    // One row for a cause: its figures move with every sample, four times a second.
    const isNew = queued.because === undefined || headlineOf(queued.because) !== headlineOf(because);
    if (isNew) this.#ports.decisionLog.write(record.id, 'wait', 'waits', { reason, because });
    this.#ports.registry.apply(record.id, { type: 'queue-moved', why: reason, because });
  }
}
