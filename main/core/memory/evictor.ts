/**
 * Decides which model leaves, and why: another model needs the memory, or nobody uses it. Pure: it
 * names models, the orchestrator unloads them. A pinned or loading model never leaves. A model with
 * requests in flight leaves only for a request that has waited too long (I3).
 */
import type { DeviceBytes } from '../../../shared/decision.ts';
import type { Policies } from '../../../shared/settings.ts';
import type { Holder } from './gpu-room.ts';
import { cheapestVictims, type Evictable, EvictableIndex, type Victims } from './victims.ts';

/**
 * A model that holds memory, with all that speaks for and against its staying. Times are monotonic
 * milliseconds.
 */
export interface Resident extends Holder {
  readonly state: 'loading' | 'ready' | 'asleep' | 'draining';
  readonly pinned: boolean;
  /**
   * In `always_loaded`: never unloaded for idleness; for memory like any other, but as if it had
   * just been used.
   */
  readonly alwaysLoaded: boolean;
  readonly inFlight: number;
  /** Since when it is in its state. */
  readonly sinceMs: number;
  /** End of its last inference (I5); null before the first. */
  readonly lastUsedMs: number | null;
  /** Usual time between two of its requests; null before the second. */
  readonly gapMs: number | null;
  readonly loadSeconds: number | null;
  /** `models.NAME.evict_after_idle_seconds`; null where the policy holds. */
  readonly idleAfterSeconds: number | null;
  /** What the last request asked for; null where it did not. Beats both. */
  readonly keepAliveSeconds: number | null;
}

export interface EvictionRules {
  readonly minResidencyMs: number;
  /**
   * After `fairness_max_wait_seconds` a busy model may be taken, so that constant traffic to one
   * starves no other.
   */
  readonly busyToo: boolean;
  readonly nowMs: number;
}

export interface IdleVerdict {
  readonly modelId: string;
  readonly idleMs: number;
  readonly limitMs: number;
}

/** Of a model whose load was never timed. */
const UNKNOWN_LOAD_SECONDS = 30;
/**
 * Within this time after a use all models count alike: a person reads an answer before asking on.
 */
const READING_MS = 60_000;

const AUTO_FIRST_MS = 300_000;
const AUTO_LEAST_MS = 60_000;
const AUTO_MOST_MS = 3_600_000;
const AUTO_GAPS = 4;
const AUTO_LOADS = 20;

/**
 * What evicting a model costs: its load seconds x the chance that it is asked for again in the next
 * second. That chance is taken to fall with the time since the last use (who was used a while ago
 * will come back in about as long again). Weighing the number of past uses in addition made
 * replayed workloads worse, so it is not in here.
 */
export function reloadCost(resident: Resident, nowMs: number): number {
  const idleMs = resident.alwaysLoaded ? 0 : idleFor(resident, nowMs);
  return (1000 * (resident.loadSeconds ?? UNKNOWN_LOAD_SECONDS)) / (READING_MS + idleMs);
}

/** May it be evicted for memory under these rules? */
export function isEvictable(resident: Resident, { minResidencyMs, busyToo, nowMs }: EvictionRules): boolean {
  if (resident.pinned || (resident.state !== 'ready' && resident.state !== 'asleep')) return false;
  if (resident.state === 'ready' && nowMs - resident.sinceMs < minResidencyMs) return false;
  return resident.inFlight === 0 || busyToo;
}

/** Those who may leave, with their price; computed once per decision and used for every option. */
export interface EvictableModels {
  readonly idle: EvictableIndex;
  /** Asked for only where the idle ones are not enough. Null where none in flight may be taken. */
  readonly withBusy: () => EvictableIndex | null;
}

export function evictableModels(residents: readonly Resident[], rules: EvictionRules): EvictableModels {
  const idle: Evictable[] = [];
  const busy: Evictable[] = [];
  for (const resident of residents) {
    if (!isEvictable(resident, rules)) continue;
    const evictable = { modelId: resident.modelId, held: resident.held, cost: reloadCost(resident, rules.nowMs) };
    (resident.inFlight === 0 ? idle : busy).push(evictable);
  }
  let all: EvictableIndex | null = null;
  return {
    idle: new EvictableIndex(idle),
    withBusy: () => {
      if (busy.length > 0) all ??= new EvictableIndex([...idle, ...busy]);
      return all;
    },
  };
}

/** The cheapest sufficient set, without busy models if at all possible; null when there is none. */
export function chooseVictims({ idle, withBusy }: EvictableModels, missing: DeviceBytes): (Victims & { readonly cuts: boolean }) | null {
  const free = cheapestVictims(idle, missing);
  if (free !== null) return { ...free, cuts: false };
  const index = withBusy();
  const all = index === null ? null : cheapestVictims(index, missing);
  return all === null ? null : { ...all, cuts: true };
}

/** The models that are to be unloaded for idleness now. */
export function idleDue(residents: readonly Resident[], policies: Policies, nowMs: number): readonly IdleVerdict[] {
  return residents.flatMap((resident) => {
    const limitMs = idleLimitMs(resident, policies);
    const idleMs = idleFor(resident, nowMs);
    return limitMs !== null && idleMs >= limitMs ? [{ modelId: resident.modelId, idleMs, limitMs }] : [];
  });
}

/** Those that may sleep by now, and are not to be unloaded yet. */
export function sleepDue(residents: readonly Resident[], policies: Policies, nowMs: number): readonly IdleVerdict[] {
  const seconds = policies.sleep_after_idle_seconds;
  if (seconds === null) return [];
  return residents.flatMap((resident) => {
    const idleMs = idleFor(resident, nowMs);
    const unloadMs = idleLimitMs(resident, policies);
    const mayRest = resident.state === 'ready' && resident.inFlight === 0 && !resident.alwaysLoaded && !resident.pinned;
    const isDue = mayRest && idleMs >= seconds * 1000 && (unloadMs === null || idleMs < unloadMs);
    return isDue ? [{ modelId: resident.modelId, idleMs, limitMs: seconds * 1000 }] : [];
  });
}

/**
 * How long a model may be idle; null when idleness does not end it (pinned, always loaded, in use,
 * not ready). A request's keep-alive beats the model's own setting, which beats the policy. Below
 * zero is for ever, as in Ollama's API.
 */
export function idleLimitMs(resident: Resident, policies: Policies): number | null {
  if (resident.pinned || resident.alwaysLoaded || resident.inFlight > 0) return null;
  if (resident.state !== 'ready' && resident.state !== 'asleep') return null;
  const seconds = resident.keepAliveSeconds ?? resident.idleAfterSeconds ?? policies.evict_after_idle_seconds;
  if (seconds === 'auto') return autoIdleMs(resident);
  return seconds < 0 || !Number.isFinite(seconds) ? null : seconds * 1000;
}

/**
 * `evict_after_idle_seconds: auto`: as long as a next request is to be expected, which is until
 * four times the usual gap has passed, and not before twenty times what it took to load, so that
 * slow loaders stay longer; within 1 and 60 minutes. Five minutes until there is a gap to go by.
 */
function autoIdleMs({ gapMs, loadSeconds }: Resident): number {
  if (gapMs === null) return AUTO_FIRST_MS;
  const wantedMs = Math.max(AUTO_GAPS * gapMs, AUTO_LOADS * (loadSeconds ?? UNKNOWN_LOAD_SECONDS) * 1000);
  return Math.min(AUTO_MOST_MS, Math.max(AUTO_LEAST_MS, wantedMs));
}

function idleFor(resident: Resident, nowMs: number): number {
  return Math.max(0, nowMs - idleSinceMs(resident));
}

/** A never-asked model is idle since it became ready; going to sleep does not count as use. */
function idleSinceMs({ state, lastUsedMs, sinceMs }: Resident): number {
  if (state === 'asleep' && lastUsedMs !== null) return lastUsedMs;
  return lastUsedMs === null ? sinceMs : Math.max(lastUsedMs, sinceMs);
}
