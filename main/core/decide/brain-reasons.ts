/**
 * Builds the reason of a decision from the weighed options: its cause, and the facts with their
 * figures. Data only: `reason-words.ts` has the wording. Decides nothing.
 */
import { type Candidate, type DeviceId, HOST_DEVICE, type Placement } from '../../../shared/decision.ts';
import { assertNever } from '../../../shared/errors.ts';
import type { Cause, DeviceRef, Fact, Holder, NotOnGpu, PlaceRef, Reason, Use } from '../../../shared/reason.ts';
import { isDetail } from '../../../shared/reason-words.ts';
import type { Room } from '../memory/devices.ts';
import type { Resident } from '../memory/evictor.ts';
import type { Box, Weighed } from './brain-fit.ts';
import { candidateWords } from './brain-words.ts';
import { placeRef } from './reasoned.ts';

/** What is the same for all options of one decision. */
export interface Weighing {
  readonly box: Box;
  /** Those of `gpus.use` and others. */
  readonly devices: readonly Room[];
  /** GPUs that the settings leave this model. */
  readonly usable: readonly Room[];
  readonly weighed: readonly Weighed[];
  readonly layers: number | null;
}

export function toCandidate(weighed: Weighed, box: Box): Candidate {
  const { plan, bytes, parts, loadSeconds, needsTrust } = weighed.option;
  const feasible = !needsTrust && (weighed.fit === 'now' || weighed.fit === 'victims');
  const bytesThere: Record<DeviceId, number> = {};
  for (const id of Object.keys(bytes)) bytesThere[id] = Math.max(0, box.there[id] ?? 0);
  const rest = { bytesNeeded: bytes, bytesThere, victims: weighed.victims, loadSeconds, needsTrust };
  // What it needs of what is there stands in its bytes.
  const facts = factsOf(weighed, box).filter(({ fact }) => fact !== 'needs' && fact !== 'obstacle');
  return { plan, feasible, why: candidateWords(weighed, box), facts, ...(Object.keys(parts).length === 0 ? {} : { parts }), ...rest };
}

/** Why this option is the one: it is taken, or waited for. */
export function reasonOf(best: Weighed, weighing: Weighing): Reason {
  const { box, weighed, layers } = weighing;
  const { plan } = best.option;
  const place = placeRef(plan.placement, indexIn(box), layers);
  const own = factsOf(best, box);
  const notOnGpu = plan.placement.kind === 'cpu' ? whyNotOnGpu(best, weighing) : null;
  const singles = singlesOf(best, weighed);
  const isTooLargeForOne = place.devices.length > 1 && singles.length > 0 && singles.every(({ fit }) => fit === 'too-large');
  const elsewhere = notOnGpuFacts(best, weighing);
  const preparation = weightsFact(best, weighed);
  const facts = [...own.filter((fact) => !isDetail(fact)), ...preparation, ...elsewhere, ...own.filter(isDetail)];
  return { cause: causeOf(best, place, { notOnGpu, isTooLargeForOne }, box), facts };
}

/** It cannot be woken where it sleeps, or is. */
export function wakingReason(weighed: Weighed, box: Box): Reason {
  const place = placeRef(weighed.option.plan.placement, indexIn(box));
  if (weighed.fit === 'now' || weighed.fit === 'victims') return { cause: { kind: 'wakes', place }, facts: factsOf(weighed, box) };
  const cause = causeOf(weighed, place, { notOnGpu: null, isTooLargeForOne: false }, box);
  return { cause: cause.kind === 'no-room' ? { ...cause, isWaking: true } : cause, facts: factsOf(weighed, box) };
}

/** Nothing fits: the figures of the option that lacks least. Null: none could be reckoned. */
export function noRoomReason(closest: Weighed | null, box: Box, kind: 'no-room' | 'too-large'): Reason {
  if (closest === null) return { cause: noRoom(null, []), facts: [] };
  const facts = factsOf(closest, box);
  const place = placeRef(closest.option.plan.placement, indexIn(box));
  if (kind === 'no-room') return { cause: noRoom(place, holdersOf(closest, box)), facts };
  const [first] = facts.filter((fact) => fact.fact === 'capacity');
  if (first === undefined) return { cause: { kind: 'too-large', device: null, bytes: 0, emptyBytes: 0 }, facts };
  const { device, bytes, emptyBytes } = first;
  // What the headline says need not be said again.
  return { cause: { kind: 'too-large', device, bytes, emptyBytes }, facts: facts.filter((fact) => fact !== first) };
}

function noRoom(place: PlaceRef | null, holders: readonly Holder[]): Cause {
  return { kind: 'no-room', place, holders, isWaking: false };
}

function causeOf(
  { fit, victims, waitsFor, option }: Weighed,
  place: PlaceRef,
  { notOnGpu, isTooLargeForOne }: { readonly notOnGpu: NotOnGpu | null; readonly isTooLargeForOne: boolean },
  box: Box,
): Cause {
  switch (fit) {
    case 'now':
      return { kind: 'fits', place, notOnGpu, isTooLargeForOne };
    case 'victims':
      return { kind: 'evicts', place, victims };
    case 'draining':
      return { kind: 'waits', place, until: 'left', models: waitsFor };
    case 'waits': {
      const areLoading = waitsFor.length > 0 && waitsFor.every((id) => option.slots.some((slot) => box.rooms.get(slot)?.loading === id));
      return { kind: 'waits', place, until: areLoading ? 'loaded' : box.input.mayEvict ? 'room' : 'asked', models: waitsFor };
    }
    case 'held':
    case 'too-large':
    case 'impossible':
      return noRoom(place, []);
    default:
      return assertNever(fit);
  }
}

/**
 * What it needs of what is there, who leaves or stands in the way, and how the figures came about.
 */
function factsOf(weighed: Weighed, box: Box): readonly Fact[] {
  const { option, fit, victims, waitsFor, cuts } = weighed;
  if (fit === 'impossible') return [{ fact: 'obstacle', text: option.obstacle ?? 'a device that it needs is not there' }];
  const facts: Fact[] = [];
  // The devices that carry it first; beside a GPU it takes some main memory too.
  const needed = Object.entries(option.bytes).toSorted(([one], [other]) => Number(one === HOST_DEVICE) - Number(other === HOST_DEVICE));
  for (const [id, bytes] of needed) {
    const room = box.rooms.get(id);
    const device = deviceRef(id, box);
    const emptyBytes = room?.emptyBytes ?? 0;
    if (bytes <= 0) continue;
    if (bytes > emptyBytes) facts.push({ fact: 'capacity', device, bytes, emptyBytes });
    else facts.push({ fact: 'needs', device, bytes, freeBytes: Math.max(0, box.there[id] ?? 0) });
    if (room !== undefined && fit === 'held' && bytes > (box.reachable[id] ?? 0)) facts.push(...holdsFacts(room, box));
  }
  for (const model of victims.slice(0, MOST_NAMED)) {
    const use = usageOf(model, box);
    facts.push({ fact: 'leaves', model, use, isCut: cuts && use.is === 'busy' });
  }
  for (const model of waitsFor.slice(0, MOST_NAMED)) facts.push({ fact: 'in-the-way', model, use: usageOf(model, box) });
  return [...facts, ...option.facts];
}

/** The headline says how many more there are. */
const MOST_NAMED = 8;

/** Pinned models, leaks and other programs: they go for no model. */
function holdsFacts(room: Room, box: Box): readonly Extract<Fact, { fact: 'holds' }>[] {
  const device = deviceRef(room.id, box);
  const pinned = box.input.residents.filter((resident) => resident.pinned && (resident.held[room.id] ?? 0) > 0);
  const named = room.programs.filter(({ name }) => name !== null).slice(0, MOST_PROGRAMS);
  const restBytes = room.othersBytes - named.reduce((sum, { bytes }) => sum + bytes, 0);
  const holds = (holder: Holder, bytes: number) => ({ fact: 'holds', device, holder, bytes }) as const;
  return [
    ...pinned.map((resident) => holds({ by: 'pinned', model: resident.modelId }, resident.held[room.id] ?? 0)),
    ...(room.leakedBytes > 0 ? [holds({ by: 'ended' }, room.leakedBytes)] : []),
    ...named.map(({ name, pid, bytes }) => holds({ by: 'program', name, pid }, bytes)),
    ...(restBytes > (named.length === 0 ? 0 : LEAST_SHOWN_BYTES) ? [holds({ by: 'program', name: null, pid: null }, restBytes)] : []),
  ];
}

/** A driver keeps some memory of its own, which is nobody's. */
const LEAST_SHOWN_BYTES = 64 * 1024 ** 2;
const MOST_PROGRAMS = 3;

/** The one that holds most first. */
function holdersOf({ option }: Weighed, box: Box): readonly Holder[] {
  const short = Object.entries(option.bytes).filter(([id, bytes]) => bytes > (box.reachable[id] ?? 0));
  const holds = short.flatMap(([id]) => {
    const room = box.rooms.get(id);
    return room === undefined ? [] : holdsFacts(room, box);
  });
  return holds.toSorted((one, other) => other.bytes - one.bytes).map(({ holder }) => holder);
}

/**
 * Options of the same runtime for all layers on one GPU; those of any runtime where it has none.
 */
function singlesOf({ option }: Weighed, weighed: readonly Weighed[]): readonly Weighed[] {
  const singles = weighed.filter(({ option: { plan } }) => plan.placement.kind === 'gpu' && plan.placement.gpus.length === 1);
  const own = singles.filter(({ option: { plan } }) => plan.runtime === option.plan.runtime);
  return own.length > 0 ? own : singles;
}

function whyNotOnGpu(best: Weighed, { box, devices, usable, weighed }: Weighing): NotOnGpu | null {
  if (!devices.some(({ kind }) => kind === 'gpu')) return { is: 'absent' };
  if (usable.length === 0) return { is: 'not-allowed' };
  const singles = singlesOf(best, weighed);
  if (singles.length === 0) return null;
  const possible = singles.filter(({ fit }) => fit !== 'impossible');
  const is = possible.length === 0 ? 'unusable' : possible.every(({ fit }) => fit === 'too-large') ? 'too-large' : 'full';
  const gpus = [...new Set(singles.flatMap(({ option }) => option.plan.placement.gpus))].map((id) => deviceRef(id, box));
  return { is, gpus, runtime: singles[0]?.option.plan.runtime ?? '' };
}

/** What the GPUs lack where the CPU has the model, or a part of it. */
function notOnGpuFacts(best: Weighed, { box, weighed }: Weighing): readonly Fact[] {
  const { kind, gpus } = best.option.plan.placement;
  if (kind !== 'cpu' && kind !== 'split') return [];
  const singles = singlesOf(best, weighed).filter(({ option }) => kind === 'cpu' || gpus.includes(option.plan.placement.gpus[0] ?? ''));
  const seen = new Set<string>();
  return singles.slice(0, MOST_NAMED).flatMap((single) =>
    factsOf(single, box).filter((fact) => {
      const isOfGpu = ('device' in fact && fact.device.id !== HOST_DEVICE) || fact.fact === 'obstacle';
      const key = JSON.stringify(fact);
      const isNew = !seen.has(key);
      seen.add(key);
      return isOfGpu && isNew;
    }),
  );
}

/** What is made of the files first, and where that is less than they hold: in place of what. */
function weightsFact(best: Weighed, weighed: readonly Weighed[]): readonly Fact[] {
  const { plan, losses } = best.option;
  if (plan.preparation === undefined) return [];
  const whole = weighed.find(
    ({ option }) => option.losses === 0 && option.plan.runtime === plan.runtime && samePlace(option.plan.placement, plan.placement),
  );
  const insteadOf = losses === 0 ? null : (whole?.option.plan.preparation?.type ?? null);
  return [{ fact: 'weights', type: plan.preparation.type, insteadOf }];
}

function samePlace(one: Placement, other: Placement): boolean {
  return one.kind === other.kind && one.gpus.join() === other.gpus.join();
}

function deviceRef(id: DeviceId, box: Box): DeviceRef {
  return { id, index: indexIn(box)(id) };
}

function indexIn({ rooms }: Box): (id: DeviceId) => number | null {
  return (id) => rooms.get(id)?.index ?? null;
}

function usageOf(modelId: string, { input, resident: residentOf }: Box): Use {
  const resident = residentOf(modelId);
  return resident === undefined ? { is: 'unknown' } : usageOfResident(resident, input.rules.nowMs, input.rules.minResidencyMs);
}

function usageOfResident({ state, inFlight, sinceMs, lastUsedMs }: Resident, nowMs: number, minResidencyMs: number): Use {
  if (state !== 'ready') return { is: state };
  if (inFlight > 0) return { is: 'busy', inFlight };
  if (nowMs - sinceMs < minResidencyMs) return { is: 'new' };
  return { is: 'idle', idleMs: nowMs - Math.max(sinceMs, lastUsedMs ?? 0) };
}
