/** A device as the engine tells of it, for tests of what is made of that. */
import type { DeviceView } from '../../shared/snapshot.ts';

/** A GPU of 100 bytes of which nothing is used, and of whose sensors nothing is known. */
export function deviceView(id: string, changes: Partial<DeviceView> = {}): DeviceView {
  return {
    id,
    kind: 'gpu',
    index: 0,
    name: id,
    simulated: true,
    totalBytes: 100,
    usedBytes: 0,
    reservedBytes: 0,
    promisedBytes: 0,
    leakedBytes: 0,
    availableBytes: 100,
    byModel: {},
    othersBytes: 0,
    utilizationRatio: null,
    powerWatts: null,
    temperatureCelsius: null,
    programs: [],
    leaks: [],
    ...changes,
  };
}
