/**
 * The names in reasons: of devices, of models and of holders of memory, shortened to fit into a
 * headline. Pure.
 */
import { HOST_DEVICE } from './decision.ts';
import { assertNever } from './errors.ts';
import type { DeviceRef, Holder, Use } from './reason.ts';
import { longSpan } from './units.ts';

/** What fits into a cell of a table, a row of the window and a line of a terminal. */
export const HEADLINE_CHARACTERS = 80;
/**
 * A name this long still tells one model from another; it is cut only where the headline would be
 * too long with it.
 */
const SHORT_NAME_CHARACTERS = 24;

/** How a name is written: whole, or shortened. */
export type Name = (name: string) => string;

/** The first sentence of a longer text, for a cell. */
export function headlineFrom(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const [first = line] = line.split(/\. (?=\p{Lu})/u);
  return clipped(first.replace(/\.$/, ''));
}

/** `GPU 0`, `the CPU`; a GPU without a number by its UUID. */
export function deviceInWords({ id, index }: DeviceRef): string {
  if (id === HOST_DEVICE) return 'CPU';
  return `GPU ${index ?? id}`;
}

/** `GPU 0`, `GPUs 0 and 1`, `GPUs 0-3`, `the CPU`. */
export function devicesInWords(devices: readonly DeviceRef[]): string {
  const [only] = devices;
  if (only === undefined || only.id === HOST_DEVICE) return 'the CPU';
  if (devices.length === 1) return deviceInWords(only);
  const numbers = devices.map(({ id, index }) => index ?? id);
  const isRow = devices.every(({ index }, at) => index !== null && index === (only.index ?? 0) + at);
  if (isRow && numbers.length > 2) return `GPUs ${numbers[0]}-${numbers.at(-1)}`;
  return `GPUs ${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}`;
}

export function holderInWords(holder: Holder, name: Name = (whole) => whole): string {
  switch (holder.by) {
    case 'pinned':
      return `${name(holder.model)} (pinned) holds`;
    case 'ended':
      return 'models that have ended still hold';
    case 'program':
      return holder.name === null
        ? 'other programs hold'
        : `${name(holder.name)}${holder.pid === null ? '' : ` (pid ${holder.pid})`} holds`;
    default:
      return assertNever(holder);
  }
}

export function usageInWords(use: Use): string {
  switch (use.is) {
    case 'busy':
      return `${use.inFlight} in flight`;
    case 'idle':
      return `idle ${longSpan(use.idleMs)}`;
    case 'new':
      return 'loaded just now';
    case 'unknown':
      return 'its activity is not known';
    default:
      return use.is;
  }
}

/** The first three, and how many more. */
export function namesInWords(names: readonly string[], name: Name): string {
  const shown = names.slice(0, names.length > 3 ? 2 : 3).map(name);
  if (names.length > 3) return `${shown.join(', ')} and ${names.length - shown.length} more`;
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** Its beginning and its end, where the size and the quantisation stand. */
export function shortName(name: string): string {
  if (name.length <= SHORT_NAME_CHARACTERS) return name;
  const half = Math.floor((SHORT_NAME_CHARACTERS - 1) / 2);
  return `${name.slice(0, half)}…${name.slice(-half)}`;
}

/** Cut at a word. */
export function clipped(text: string): string {
  if (text.length <= HEADLINE_CHARACTERS) return text;
  const cut = text.slice(0, HEADLINE_CHARACTERS - 1);
  const space = cut.lastIndexOf(' ');
  return `${cut.slice(0, space > HEADLINE_CHARACTERS / 2 ? space : cut.length).replace(/[\s,;:(]+$/, '')}…`;
}

export function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
