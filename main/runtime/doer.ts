/**
 * Implements `core/doer.ts`: passes each call of the deciders to the preparations, the guests
 * (LoRAs in their base) or the manager.
 */
import type { Doer } from '../core/doer.ts';
import type { Guests } from './guests.ts';
import type { Manager } from './manager.ts';
import type { Preparations } from './preparations.ts';

export function createDoer(manager: Manager, preparations: Preparations, guests: Guests): Doer {
  return {
    loadModel: (record, candidate, decisionId) =>
      candidate.plan.base === undefined
        ? manager.loadModel(record, candidate, decisionId)
        : guests.loadModel(record, candidate, decisionId),
    unloadModel: (id, reason, becomes, options) =>
      guests.holds(id)
        ? guests.unloadModel(id, reason, becomes, options)
        : preparations.holds(id)
          ? preparations.stop(id, reason, becomes)
          : manager.unloadModel(id, reason, becomes, options),
    sleepModel: (id, decisionId) => manager.sleepModel(id, decisionId),
    canSleep: (id) => manager.canSleep(id),
    inFlight: (id) => (guests.holds(id) ? guests.inFlight(id) : manager.inFlight(id)),
    isPrepared: (record, plan) => preparations.isPrepared(record, plan),
    mayPrepare: () => preparations.isFree,
    prepare: (record, plan, decisionId) => preparations.prepare(record, plan, decisionId),
  };
}
