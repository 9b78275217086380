/** The brain's sentences: why an option fits or does not, with the figures. Wording only; decides nothing. */
import type { Candidate, DeviceBytes, DeviceId, Placement } from '../../../shared/decision.ts';
import { assertNever } from '../../../shared/errors.ts';
import type { FormKind, ModelProfile } from '../../../shared/profile.ts';
import { bytesInWords } from '../../../shared/units.ts';
import type { Room } from '../memory/devices.ts';
import type { Resident } from '../memory/evictor.ts';
import { listed } from '../sentences.ts';
import type { Box, Weighed } from './brain-fit.ts';
import type { NamedRuntime } from './planner.ts';
import { suitedRuntime } from './runtime-preference.ts';

export function toCandidate(weighed: Weighed, box: Box): Candidate {
  const { plan, bytes, loadSeconds, needsTrust } = weighed.option;
  const feasible = !needsTrust && (weighed.fit === 'now' || weighed.fit === 'victims');
  const bytesThere: Record<DeviceId, number> = {};
  for (const id of Object.keys(bytes)) bytesThere[id] = Math.max(0, box.there[id] ?? 0);
  const why = whyOf(weighed, box);
  return { plan, feasible, why, bytesNeeded: bytes, bytesThere, victims: weighed.victims, loadSeconds, needsTrust };
}

/** One sentence, with the figures. */
export function whyOf(weighed: Weighed, box: Box): string {
  const { option } = weighed;
  const notes = option.notes.length === 0 ? '' : ` (${option.notes.join('; ')})`;
  if (option.needsTrust) return `would run code from the model's files, which nobody has trusted; ${fitWords(weighed, box)}${notes}`;
  return `${fitWords(weighed, box)}${notes}`;
}

function fitWords(weighed: Weighed, box: Box): string {
  const { option, fit, victims, waitsFor, lacksRoom, cuts } = weighed;
  if (option.plan.placement.kind === 'elsewhere' && fit === 'now') return 'runs there, and takes no memory here';
  const split = option.plan.placement.kind === 'split' ? `${option.plan.placement.gpuLayers} layers on the GPU, the rest on the CPU: ` : '';
  const figures = `${split}needs ${figuresOf(option.bytes, box.there, box)}`;
  switch (fit) {
    case 'now':
      return box.input.box === 'empty' ? `fits: ${figures}` : `fits: ${figures} there`;
    case 'victims':
      return `${figures} there; ${residentsInWords(victims, box)} must leave first${cuts ? ', in use but waited for long enough' : ''}`;
    case 'draining':
      return `${figures} there; ${listed(waitsFor)} is leaving`;
    case 'waits':
      if (!lacksRoom) return `${figures} there, but ${listed(waitsFor)} is being loaded on the same device: one load at a time`;
      return box.input.mayEvict
        ? `${figures} there; held by ${residentsInWords(waitsFor, box)}`
        : `${figures} there; held by ${residentsInWords(waitsFor, box)}, and new content pushes nobody out`;
    case 'held':
      return `${figures} there, and ${holdersInWords(option.bytes, box)}`;
    case 'too-large':
      return `${split}needs ${emptyFigures(option.bytes, box)}`;
    case 'impossible':
      return option.obstacle ?? 'a device that it needs is not there';
    default:
      return assertNever(fit);
  }
}

/** What is made of the files first, and where that is less than they hold: why. Empty where they are loaded as they are. */
export function preparationInWords(best: Weighed, weighed: readonly Weighed[], box: Box): string {
  const { plan, losses } = best.option;
  if (plan.preparation === undefined) return '';
  const { type } = plan.preparation;
  const whole = weighed.find(
    ({ option }) => option.losses === 0 && option.plan.runtime === plan.runtime && samePlace(option.plan.placement, plan.placement),
  );
  const wholeType = whole?.option.plan.preparation?.type;
  if (losses === 0 || whole === undefined || wholeType === undefined) return `; from a GGUF with its weights as ${type}`;
  return `; from a GGUF with its weights as ${type}, because as ${wholeType} it ${fitWords(whole, box)}`;
}

function samePlace(one: Placement, other: Placement): boolean {
  return one.kind === other.kind && one.gpus.join() === other.gpus.join();
}

/** `GPU 0 (NVIDIA RTX 4090)`, `GPU 0 + GPU 1`, `part of the layers on GPU 0`, `CPU`, `lab (http://10.0.0.5:8000)`. */
export function placementInWords({ kind, gpus, where }: Placement, box: Box): string {
  if (kind === 'elsewhere') return where ?? 'elsewhere';
  if (kind === 'cpu') return 'CPU';
  const [only] = gpus;
  const room = only === undefined ? undefined : box.rooms.get(only);
  const names = gpus.map((id) => roomName(id, box)).join(' + ');
  const named = gpus.length === 1 && room !== undefined ? `${names} (${room.name})` : names;
  return kind === 'split' ? `part of the layers on ${named}` : named;
}

function figuresOf(bytes: DeviceBytes, there: DeviceBytes, box: Box): string {
  return Object.entries(bytes)
    .filter(([, needed]) => needed > 0)
    .map(([id, needed]) => `${bytesInWords(needed)} of ${bytesInWords(Math.max(0, there[id] ?? 0))} on ${roomName(id, box)}`)
    .join(' and ');
}

function emptyFigures(bytes: DeviceBytes, box: Box): string {
  return Object.entries(bytes)
    .filter(([id, needed]) => needed > (box.rooms.get(id)?.emptyBytes ?? 0))
    .map(([id, needed]) => {
      const empty = bytesInWords(box.rooms.get(id)?.emptyBytes ?? 0);
      return `${bytesInWords(needed)} on ${roomName(id, box)}, which has ${empty} for models when nothing else is on it`;
    })
    .join(' and ');
}

function roomName(id: DeviceId, box: Box): string {
  const room = box.rooms.get(id);
  if (room === undefined) return id;
  return room.kind === 'host' ? 'the CPU' : `GPU ${room.index ?? id}`;
}

/** Who holds what the option cannot have: pinned models, leaks, other programs. */
function holdersInWords(bytes: DeviceBytes, box: Box): string {
  const short = Object.entries(bytes).filter(([id, needed]) => needed > (box.reachable[id] ?? 0));
  return short
    .map(([id]) => {
      const room = box.rooms.get(id);
      const parts = room === undefined ? [] : immovables(room, box.input.residents);
      return `what is missing on ${roomName(id, box)} is held by ${parts.length === 0 ? 'other programs' : parts.join(', ')}`;
    })
    .join('; ');
}

function immovables(room: Room, residents: readonly Resident[]): readonly string[] {
  const pinned = residents.filter((resident) => resident.pinned && (resident.held[room.id] ?? 0) > 0);
  const parts = pinned.map((resident) => `${resident.modelId} (pinned, ${bytesInWords(resident.held[room.id] ?? 0)})`);
  if (room.leakedBytes > 0) parts.push(`models that have ended (${bytesInWords(room.leakedBytes)} not given back)`);
  if (room.othersBytes > 0) parts.push(`other programs (${bytesInWords(room.othersBytes)})`);
  return parts;
}

function residentsInWords(ids: readonly string[], box: Box): string {
  const { residents, rules } = box.input;
  const shown = ids.slice(0, 3).map((id) => {
    const resident = residents.find((each) => each.modelId === id);
    return resident === undefined ? id : `${id} (${residentInWords(resident, rules.nowMs, rules.minResidencyMs)})`;
  });
  return ids.length > 3 ? `${shown.join(', ')} and ${ids.length - 3} more` : shown.join(', ');
}

function residentInWords(resident: Resident, nowMs: number, minResidencyMs: number): string {
  if (resident.state !== 'ready') return resident.state;
  if (resident.inFlight > 0) return `${resident.inFlight} in flight`;
  if (nowMs - resident.sinceMs < minResidencyMs) return 'loaded just now';
  return `idle ${Math.round((nowMs - Math.max(resident.sinceMs, resident.lastUsedMs ?? 0)) / 1000)} s`;
}

/** For a model that no runtime here takes: what it is, and what would take it. @param later runtimes of a later version. */
export function noRuntimeWords(
  { kind, forms, architecture }: ModelProfile,
  runtimes: readonly NamedRuntime[],
  later: readonly NamedRuntime[],
): { readonly reason: string; readonly help: string } {
  const kinds = forms.map((form) => form.kind);
  const what = `${architecture || 'unknown architecture'}${kind === 'unknown' ? '' : `, ${kind}`}`;
  const suited = (form: FormKind): NamedRuntime | null => suitedRuntime([...runtimes, ...later], kind, form);
  const conversion = forms.find((form) => form.kind === 'transformers')?.conversion;
  if (kinds.includes('transformers')) {
    const best = suited('transformers');
    return {
      reason: `This is a Hugging Face folder (${what}), and no runtime that is ready here takes that form${conversion?.why == null ? '' : `: ${conversion.why}`}.`,
      help:
        best !== null && later.includes(best)
          ? `${best.name} would serve it as it is, once this version can use it.`
          : `Drop a GGUF of the same model: ${suited('gguf')?.name} serves that. ${HELP_CHECK}`,
    };
  }
  const best = kinds.map(suited).find((runtime) => runtime !== null);
  const would = best === undefined || !later.includes(best) ? '' : ` ${best.name} would serve it, once this version can use it.`;
  return { reason: `No runtime that is ready here takes this model (${what}; ${listed(kinds)}).${would}`, help: HELP_CHECK };
}

const HELP_CHECK = '`modelium check` lists the runtimes and what each of them lacks.';
