/** `modelium unload`: waits until the memory is measured free, and prints how much became free. */
import { HOST_DEVICE } from '../../shared/decision.ts';
import type { ModelView, Snapshot } from '../../shared/snapshot.ts';
import { bytesInWords } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { nameOfDevice } from './devices.ts';
import { routeOf } from './model-name.ts';
import { print, printJson } from './output.ts';
import type { Shared } from './verb.ts';

export async function unload({ stateFolder, json }: Shared, word: string, force: boolean): Promise<number> {
  const engine = await connect(stateFolder);
  const route = await routeOf(engine, word);
  const { model: before } = await engine.get<'model'>(route);
  const { model } = await engine.post<'unload'>(`${route}/unload`, { force });
  if (json) printJson(model);
  else print(`${model.id}: ${model.state}. ${freedText(before, model, await engine.get<'snapshot'>('/control/snapshot'))}`);
  return model.state === 'failed' ? 1 : 0;
}

/** `533 MiB on GPU 0 came free.`; what did not come back is told as what it is. */
export function freedText(before: ModelView, after: ModelView, { devices }: Pick<Snapshot, 'devices'>): string {
  if (before.measuredBytes === null) return `${after.message}.`;
  const leaks = devices.flatMap((device) =>
    device.leaks.filter(({ modelId }) => modelId === after.id).map((leak) => ({ ...leak, on: nameOfDevice(device.id, devices) })),
  );
  if (leaks.length > 0) {
    const parts = leaks.map(({ bytes, on, pids }) => `${bytesInWords(bytes)} on ${on} (pid ${pids.join(', ')})`);
    return `Not all of its memory became free: ${parts.join(', ')}.`;
  }
  // Beside a GPU, what it held of main memory were mostly mapped files.
  const gpus = Object.entries(before.measuredBytes).filter(([id, bytes]) => id !== HOST_DEVICE && bytes > 0);
  const freed = gpus.length > 0 ? gpus : Object.entries(before.measuredBytes).filter(([, bytes]) => bytes > 0);
  return freed.length === 0
    ? `${after.message}.`
    : `${freed.map(([id, bytes]) => `${bytesInWords(bytes)} on ${nameOfDevice(id, devices)}`).join(', ')} came free.`;
}
