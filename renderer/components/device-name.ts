/** What a device is called where there is little room: `GPU 1`, `CPU`. */
import { useMemo } from 'react';
import { HOST_DEVICE } from '../../shared/decision.ts';
import { useWindow } from '../store.ts';
import * as texts from '../texts.ts';

/**
 * A function from ids to names, for the devices that are here now. Another one only when a device
 * came or went: their figures change each second, and every row of a long table asks for names.
 */
export function useDeviceNames(): (id: string) => string {
  const known = useWindow((state) => state.snapshot?.devices.map(({ id, index }) => `${id} ${index ?? ''}`).join('\n') ?? '');
  return useMemo(() => namer(known), [known]);
}

function namer(known: string): (id: string) => string {
  const indexes = new Map(known.split('\n').map((line) => line.split(' ') as [string, string]));
  return (id) => {
    const index = indexes.get(id) ?? '';
    return id === HOST_DEVICE ? texts.common.cpu : index === '' ? id.slice(0, 12) : texts.common.gpu(index);
  };
}

/** The GPUs where there are any, else the CPU: that is where people look for a model. */
export function mainDevices(ids: readonly string[]): readonly string[] {
  const gpus = ids.filter((id) => id !== HOST_DEVICE);
  return gpus.length === 0 ? ids : gpus;
}
