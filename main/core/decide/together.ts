/**
 * Plans several models that are requested at once: computes the machine as a later model finds it,
 * when the earlier ones are loaded and busy. Pure.
 */
import type { DeviceBytes } from '../../../shared/decision.ts';
import type { Resident } from '../memory/evictor.ts';
import { type BrainInput, decide } from './brain.ts';

type BoxFacts = Pick<BrainInput, 'devices' | 'residents'>;

/**
 * @param earlier what would be asked of each of them, in their order; one that is there already is
 * kept where it is.
 */
export function boxAfter(earlier: readonly BrainInput[], { devices, residents }: BoxFacts): BoxFacts {
  let now: BoxFacts = { devices, residents };
  for (const question of earlier) now = withOne(question, now);
  return now;
}

function withOne(question: BrainInput, { devices, residents }: BoxFacts): BoxFacts {
  const { modelId, nowMs } = question;
  const there = residents.find((resident) => resident.modelId === modelId && resident.state === 'ready');
  if (there !== undefined) return { devices, residents: residents.map((each) => (each === there ? busy(there, nowMs) : each)) };
  const decision = decide({ ...question, devices, residents, mayEvict: true });
  if (decision.kind !== 'place') return { devices, residents };
  const { victims, bytesNeeded } = decision.candidate;
  const leaving = residents.filter((resident) => victims.includes(resident.modelId));
  const staying = residents.filter((resident) => resident.modelId !== modelId && !leaving.includes(resident));
  const rooms = devices.map((room) => {
    const freed = leaving.reduce((sum, { held }) => sum + (held[room.id] ?? 0), 0);
    const left = room.availableBytes + freed - (bytesNeeded[room.id] ?? 0);
    return { ...room, availableBytes: Math.max(0, Math.min(room.emptyBytes, left)) };
  });
  return { devices: rooms, residents: [...staying, loaded(modelId, bytesNeeded, nowMs)] };
}

function busy(resident: Resident, nowMs: number): Resident {
  return { ...resident, inFlight: Math.max(1, resident.inFlight), lastUsedMs: nowMs };
}

function loaded(modelId: string, held: DeviceBytes, nowMs: number): Resident {
  return {
    modelId,
    held,
    pids: [],
    state: 'ready',
    pinned: false,
    alwaysLoaded: false,
    inFlight: 1,
    sinceMs: nowMs,
    lastUsedMs: nowMs,
    gapMs: null,
    loadSeconds: null,
    idleAfterSeconds: null,
    keepAliveSeconds: null,
  };
}
