/** Devices as the command line calls them: `GPU 0`, `GPUs 0-3`, `CPU`. Pure. */
import { HOST_DEVICE } from '../../shared/decision.ts';
import { deviceInWords, devicesInWords } from '../../shared/reason-names.ts';
import type { DeviceView } from '../../shared/snapshot.ts';

type Known = readonly Pick<DeviceView, 'id' | 'index'>[];

export function nameOfDevice(id: string, devices: Known): string {
  const index = devices.find((device) => device.id === id)?.index ?? null;
  // A GPU that is not there any more has no number.
  return index === null && id !== HOST_DEVICE ? id.slice(0, 12) : deviceInWords({ id, index });
}

/** The GPUs where there are any, else the CPU: that is where people look for a model. */
export function placeName(ids: readonly string[], devices: Known): string {
  const gpus = ids.filter((id) => id !== HOST_DEVICE);
  if (gpus.length === 0) return ids.length === 0 ? '-' : 'CPU';
  const refs = gpus.map((id) => ({ id, index: devices.find((device) => device.id === id)?.index ?? null }));
  return refs.some(({ index }) => index === null) ? gpus.map((id) => nameOfDevice(id, devices)).join(', ') : devicesInWords(refs);
}
