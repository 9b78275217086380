/** `modelium ls`: lists the models, one line each. */
import { HOST_DEVICE } from '../../shared/decision.ts';
import type { ModelView, Snapshot } from '../../shared/snapshot.ts';
import { bytesInWords, longSpan } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { placeName } from './devices.ts';
import { paint, print, printJson, printText, table } from './output.ts';
import type { Shared } from './verb.ts';

export async function list({ stateFolder, json, wide }: Shared): Promise<number> {
  const engine = await connect(stateFolder);
  const { models, watchFolders, devices } = await engine.get<'snapshot'>('/control/snapshot');
  if (json) printJson(models);
  else if (models.length === 0)
    print(`No models yet. Copy one into ${watchFolders.map(({ path }) => path).join(' or ')}, or: modelium add PATH`);
  else printText(modelTable(models, devices, wide));
  return 0;
}

/** Devices, memory (measured, else predicted) and idle time beside each model's state. */
export function modelTable(models: readonly ModelView[], devices: Snapshot['devices'], wide = false): string {
  const header = ['MODEL', 'STATE', 'RUNTIME', 'ON', 'MEMORY', 'IDLE', 'WHY'];
  return table(
    header,
    models.map((model) => [
      model.id + (model.pinned ? ' (pinned)' : ''),
      paintedState(model),
      model.runtime ?? '-',
      model.remote === undefined ? placeName(model.devices, devices) : 'remote',
      memoryInWords(model),
      model.idleMs === null ? '-' : longSpan(model.idleMs),
      wide ? model.message : model.headline,
    ]),
    wide,
  );
}

export function paintedState({ state }: ModelView): string {
  if (state === 'ready') return paint('green', state);
  if (state === 'failed') return paint('red', state);
  return state === 'blocked' ? paint('yellow', state) : state;
}

/** On the GPUs where it is on any, else main memory; `~`: predicted, and not measured. */
export function memoryInWords({ measuredBytes, predictedBytes, remote }: ModelView): string {
  if (remote !== undefined || (measuredBytes ?? predictedBytes) === null) return '-';
  // A driver that tells nothing of a process leaves what was predicted.
  const bytes = { ...predictedBytes, ...measuredBytes };
  const gpuBytes = Object.entries(bytes).reduce((sum, [id, part]) => (id === HOST_DEVICE ? sum : sum + part), 0);
  const words = bytesInWords(gpuBytes > 0 ? gpuBytes : (bytes[HOST_DEVICE] ?? 0));
  const isMeasured = Object.keys(bytes).every((id) => (id === HOST_DEVICE && gpuBytes > 0) || (measuredBytes?.[id] ?? 0) > 0);
  return isMeasured ? words : `~${words}`;
}
