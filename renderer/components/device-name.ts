/** What a device is called where there is little room: `GPU 1`, `CPU`. */
import { HOST_DEVICE } from '../../shared/decision.ts';
import type { DeviceView } from '../../shared/snapshot.ts';
import { useWindow } from '../store.ts';

const NO_DEVICES: readonly DeviceView[] = [];

/** A function from ids to names, for the devices that are here now. */
export function useDeviceNames(): (id: string) => string {
  const devices = useWindow((state) => state.snapshot?.devices ?? NO_DEVICES);
  return (id) => nameIn(devices, id);
}

function nameIn(devices: readonly DeviceView[], id: string): string {
  if (id === HOST_DEVICE) return 'CPU';
  const index = devices.find((device) => device.id === id)?.index ?? null;
  return index === null ? id.slice(0, 12) : `GPU ${index}`;
}

/** The GPUs where there are any, else the CPU: that is where people look for a model. */
export function mainDevices(ids: readonly string[]): readonly string[] {
  const gpus = ids.filter((id) => id !== HOST_DEVICE);
  return gpus.length === 0 ? ids : gpus;
}
