/**
 * The largest model that could be loaded now: on one GPU, and on 2, 4 or 8 GPUs over which it is
 * divided evenly. Pure.
 */
import type { DeviceView } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import * as texts from '../../texts.ts';

const GROUPS = [2, 4, 8];

export interface Room {
  readonly oneBytes: number;
  /** Null: no group would hold more than one GPU does. */
  readonly group: { readonly gpus: number; readonly bytes: number } | null;
}

/** @param gpus those that models may use; null: there are none. */
export function largestRoom(gpus: readonly Pick<DeviceView, 'availableBytes'>[]): Room | null {
  const free = gpus.map(({ availableBytes }) => Math.max(0, availableBytes)).sort((first, second) => second - first);
  const [oneBytes] = free;
  if (oneBytes === undefined) return null;
  // Each member takes the same: the fullest of a group bounds it.
  const groups = GROUPS.filter((size) => size <= free.length).map((size) => ({ gpus: size, bytes: size * (free[size - 1] ?? 0) }));
  const best = groups.reduce<Room['group']>((largest, each) => (each.bytes > (largest?.bytes ?? oneBytes) ? each : largest), null);
  return { oneBytes, group: best };
}

export function roomInWords({ oneBytes, group }: Room): string {
  return group === null
    ? texts.box.roomOnOneGpu(bytesInWords(oneBytes))
    : texts.box.roomOnGroup(bytesInWords(oneBytes), bytesInWords(group.bytes), group.gpus);
}
