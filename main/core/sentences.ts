/**
 * The sentences about a model's life that `serve` prints and the page shows. Their wording is here
 * only. Pure.
 */
import type { Candidate, DeviceBytes, DeviceId, LaunchPlan } from '../../shared/decision.ts';
import { HOST_DEVICE } from '../../shared/decision.ts';
import { assertNever } from '../../shared/errors.ts';
import type { ModelState, StateOf } from '../../shared/model.ts';
import type { FoundModel } from '../../shared/snapshot.ts';
import { bytesInWords, secondsInWords } from '../../shared/units.ts';
import type { Sample } from './ports.ts';

export function deviceName(id: DeviceId, sample: Sample | null): string {
  if (id === HOST_DEVICE) return 'CPU';
  const device = sample?.devices.find((each) => each.id === id);
  return device?.index == null ? id : `GPU ${device.index}`;
}

/** The devices that carry the model: GPUs where it is on any, else the CPU. */
export function placeInWords(bytes: DeviceBytes, sample: Sample | null): string {
  const gpus = Object.keys(bytes).filter((id) => id !== HOST_DEVICE && (bytes[id] ?? 0) > 0);
  return gpus.length === 0 ? 'CPU' : gpus.map((id) => deviceName(id, sample)).join(' + ');
}

export function discoveredSentence(id: string): string {
  return `New model discovered: ${id}`;
}

export function decisionSentence(id: string, runtime: string, reason: string): string {
  return `Brain decision for ${id}: ${runtime} (${reason})`;
}

export function loadingSentence(id: string, candidate: Candidate): string {
  const { victims, plan } = candidate;
  if (plan.placement.where !== undefined) return `${id} is asked for at ${plan.placement.where} ...`;
  return `Loading ${id} ...${victims.length === 0 ? '' : ` (${victims.join(', ')} must leave first)`}`;
}

/** @param plan one with a preparation. */
export function convertingSentence(id: string, { preparation }: LaunchPlan): string {
  return `Converting ${id} to a GGUF first, with its weights as ${preparation?.type ?? 'they are'}`;
}

export function convertedSentence(id: string, bytes: number, seconds: number): string {
  return `${id} converted (${bytesInWords(bytes)}, ${secondsInWords(seconds)})`;
}

/** @param where in words, where that is not this machine. */
export function loadedSentence(id: string, measured: DeviceBytes, sample: Sample | null, loadSeconds: number, where?: string): string {
  if (where !== undefined) return `${id} loaded successfully (${where}, ${secondsInWords(loadSeconds)})`;
  const gpuBytes = Object.entries(measured).reduce((sum, [device, bytes]) => (device === HOST_DEVICE ? sum : sum + bytes), 0);
  const bytes = gpuBytes > 0 ? gpuBytes : (measured[HOST_DEVICE] ?? 0);
  return `${id} loaded successfully (${placeInWords(measured, sample)}, ${bytesInWords(bytes)}, ${secondsInWords(loadSeconds)})`;
}

export function idleSentence(id: string, idleMs: number, queriesPerSecond: number): string {
  return `Unloading idle model: ${id} (idle: ${Math.round(idleMs / 1000)} s, QPS: ${queriesPerSecond.toFixed(2)})`;
}

export function freed(draining: StateOf<'draining'>, ms: number): string {
  const gpuBytes = Object.entries(draining.held).reduce((sum, [device, bytes]) => (device === HOST_DEVICE ? sum : sum + bytes), 0);
  const [where, bytes] = gpuBytes > 0 ? ['GPU', gpuBytes] : ['Memory', draining.held[HOST_DEVICE] ?? 0];
  return `${where} freed: ${bytesInWords(bytes)} in ${secondsInWords(ms / 1000)}`;
}

export function sleepSentence(id: string, idleMs: number): string {
  return `Putting ${id} to sleep (idle: ${Math.round(idleMs / 1000)} s): its weights wait in main memory`;
}

export function leakedSentence(id: string, leaked: DeviceBytes, sample: Sample | null, pids: readonly number[]): string {
  const parts = Object.entries(leaked).map(([device, bytes]) => `${bytesInWords(bytes)} on ${deviceName(device, sample)}`);
  return `${id} left, but ${parts.join(', ')} did not become free (pid ${pids.join(', ')}); this memory counts as used until it is measured free`;
}

/** Null: there are none that could be served, or somebody has registered one of them already. */
export function foundSentence(models: readonly FoundModel[]): string | null {
  const whole = models.filter((model) => model.whole);
  if (whole.length === 0 || models.some((model) => model.registered !== null)) return null;
  const [count, them] = whole.length === 1 ? ['One model of another tool is', 'it'] : [`${whole.length} models of other tools are`, 'them'];
  return `${count} on this machine: modelium add --found lists ${them}`;
}

/** A state in a sentence, for lists and the page. */
export function stateInWords(state: ModelState, nowMs: number): string {
  switch (state.name) {
    case 'discovered':
      return 'found; being analyzed';
    case 'settling':
      return settlingInWords(state);
    case 'analyzed':
      return 'analyzed';
    case 'blocked':
      return state.message;
    case 'preparing':
      return `preparing, ${Math.round(state.progress * 100)} %`;
    case 'queued':
      return state.why;
    case 'loading':
      return `loading: ${state.phase}${state.progress === null ? '' : `, ${Math.round(state.progress * 100)} %`}`;
    case 'ready':
      return state.plan.placement.where === undefined ? `ready on ${state.runtime}` : `ready at ${state.plan.placement.where}`;
    case 'asleep':
      return 'asleep: its weights wait in main memory; the next request wakes it';
    case 'draining':
      return `leaving (${state.reason})`;
    case 'unloaded':
      return UNLOADED_WORDS[state.reason];
    case 'failed':
      return failedInWords(state, nowMs);
    default:
      return assertNever(state);
  }
}

const UNLOADED_WORDS: Record<StateOf<'unloaded'>['reason'], string> = {
  'not-asked': 'not loaded; the first request loads it',
  idle: 'unloaded after being idle; the next request loads it',
  memory: 'made room for another model; the next request loads it',
  user: 'unloaded by hand; the next request loads it',
  cancelled: 'no request waits for it any longer; the next request loads it',
  exited: 'its process died (`modelium logs` shows its last output); a request loads it again',
  'no-free-room': 'there is no free room; a request loads it and may evict another',
  restart: 'known from an earlier run; the next request loads it',
  quit: 'unloaded when the engine ended',
};

export function settlingInWords({ copy }: StateOf<'settling'>): string {
  const missing = copy.missing.length === 0 ? '' : `, missing ${listed(copy.missing)}`;
  if (copy.bytesExpected === null || copy.bytesExpected === 0) return `being copied, ${bytesInWords(copy.bytesPresent)} so far${missing}`;
  if (copy.bytesPresent >= copy.bytesExpected) {
    return copy.missing.length === 0 ? 'copied; waiting until the files stop changing' : `not complete: missing ${listed(copy.missing)}`;
  }
  const percent = Math.min(99, Math.floor((copy.bytesPresent / copy.bytesExpected) * 100));
  return `being copied: ${percent} % (${bytesInWords(copy.bytesPresent)} of ${bytesInWords(copy.bytesExpected)}${missing})`;
}

function failedInWords({ failure, retryAtMs, attempts }: StateOf<'failed'>, nowMs: number): string {
  if (retryAtMs === null) return failure.message;
  const waitSeconds = Math.max(0, Math.ceil((retryAtMs - nowMs) / 1000));
  return `${failure.message} (attempt ${attempts}; may be tried again in ${waitSeconds} s)`;
}

/** The first three names, and how many more. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
