/** `modelium ls`: the models, a line each. */
import type { ModelView } from '../../shared/snapshot.ts';
import { bytesInWords, longSpan } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { paint, print, printJson, table } from './output.ts';
import type { Shared } from './verb.ts';

export async function list({ stateFolder, json }: Shared): Promise<number> {
  const engine = await connect(stateFolder);
  const { models, watchFolders } = await engine.get<'snapshot'>('/control/snapshot');
  if (json) printJson(models);
  else if (models.length === 0) print(`No models yet. Copy one into ${watchFolders.map(({ path }) => path).join(' or ')}.`);
  else print(modelTable(models));
  return 0;
}

/** Devices, memory (measured, else predicted) and idle time beside each model's state. */
export function modelTable(models: readonly ModelView[]): string {
  const header = ['MODEL', 'STATE', 'RUNTIME', 'DEVICES', 'MEMORY', 'IDLE', 'WHY'];
  return table(
    header,
    models.map((model) => [
      model.id + (model.pinned ? ' (pinned)' : ''),
      paintedState(model),
      model.runtime ?? '-',
      model.remote === undefined ? model.devices.map(shortDevice).join(',') || '-' : 'remote',
      memoryOf(model),
      model.idleMs === null ? '-' : longSpan(model.idleMs),
      model.message,
    ]),
  );
}

function paintedState({ state }: ModelView): string {
  if (state === 'ready') return paint('green', state);
  if (state === 'failed') return paint('red', state);
  return state === 'blocked' ? paint('yellow', state) : state;
}

/** A GPU's UUID is 40 characters; its first eight tell the few of one machine apart. */
function shortDevice(device: string): string {
  return device.startsWith('GPU-') ? device.slice(0, 12) : device;
}

function memoryOf({ measuredBytes, predictedBytes, remote }: ModelView): string {
  if (remote !== undefined) return '-';
  const bytes = measuredBytes ?? predictedBytes;
  if (bytes === null) return '-';
  const total = Object.values(bytes).reduce((sum, part) => sum + part, 0);
  return measuredBytes === null ? `~${bytesInWords(total)}` : bytesInWords(total);
}
